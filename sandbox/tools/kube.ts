import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join, resolve } from 'node:path'
import { load } from 'js-yaml'
import { aggregated } from '../cluster/discovery.ts'
import { type Call, Failed, Unknown } from './call.ts'

/** A Kubernetes object. */
export interface Thing {
  apiVersion?: string
  kind?: string
  metadata: { name: string; namespace?: string; resourceVersion?: string } & Record<string, unknown>
  [field: string]: unknown
}

/** A kind as the API's discovery tells it. */
export interface Resource {
  group: string
  version: string
  name: string
  singularName: string
  kind: string
  namespaced: boolean
  shortNames?: string[]
  categories?: string[]
}

/** The Kubernetes API of a kubeconfig's current context. */
export interface Kube {
  server: string
  namespace: string
  /** @throws Failed with kubectl's words when the API refuses or cannot be reached */
  call<T>(method: string, path: string, more?: { body?: unknown; type?: string; accept?: string }): Promise<T>
  /** What a GET finds, or undefined where it is not found. */
  find<T>(path: string): Promise<T | undefined>
  /** The kinds that a word such as `po`, `pods,pvc` or `applications.argoproj.io` names. */
  resources(words: string): Promise<Resource[]>
  /** Every kind, asked anew. */
  everyResource(): Promise<Resource[]>
  /** The kind of an object, by its apiVersion and kind. */
  resourceOf(thing: Thing): Promise<Resource>
}

interface Config {
  'current-context': string
  contexts: { name: string; context: { cluster: string; user: string; namespace?: string } }[]
  clusters: { name: string; cluster: Record<string, string> }[]
  users: { name: string; user: Record<string, string> }[]
}

/** Opens the API of a kubeconfig: the file named, KUBECONFIG, or ~/.kube/config. Keys and certificates must be inline. */
export function openKube(call: Call, file: string | undefined): Kube {
  const path = resolve(call.cwd, file ?? call.env.KUBECONFIG ?? join(call.env.HOME ?? '/', '.kube', 'config'))
  const config = readConfig(path)
  const context = config.contexts.find((one) => one.name === config['current-context'])?.context
  const cluster = config.clusters.find((one) => one.name === context?.cluster)?.cluster
  const user = config.users.find((one) => one.name === context?.user)?.user
  if (!cluster?.server || !user?.['client-certificate-data'])
    throw new Unknown(`a kubeconfig without server and inline client certificate: ${path}`)
  const decoded = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString()
  const servername = cluster['tls-server-name']
  const agent = new Agent({
    keepAlive: true,
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
    ...(servername ? { servername } : {}),
  })
  call.signal.addEventListener('abort', () => agent.destroy())
  const send: Kube['call'] = async (method, path, { body, type = 'application/json', accept } = {}) => {
    const headers = { 'user-agent': `${call.tool}/stand-in`, accept: accept ?? 'application/json' }
    const url = new URL(path, cluster.server)
    const text = body === undefined ? '' : JSON.stringify(body)
    const content = text && { 'content-type': type, 'content-length': Buffer.byteLength(text) }
    const sent = { method, agent, headers: { ...headers, ...content } }
    const answer = await exchange(url, sent, text)
    if (answer.status < 400) return (answer.json ? JSON.parse(answer.text) : answer.text) as never
    const { reason, message } = (answer.json ? JSON.parse(answer.text) : {}) as Record<string, string>
    throw new Failed(
      answer.status === 401
        ? 'error: You must be logged in to the server (Unauthorized)'
        : `Error from server${reason ? ` (${reason})` : ''}: ${message ?? answer.text}`,
    )
  }
  const key = `${cluster.server} ${cluster['certificate-authority-data']}`
  const kinds = discovered(key, send)
  return {
    server: cluster.server,
    namespace: context?.namespace ?? 'default',
    call: send,
    find: async <T>(path: string) => {
      try {
        return await send<T>('GET', path)
      } catch (error) {
        if (error instanceof Failed && error.message.startsWith('Error from server (NotFound)'))
          return undefined
        throw error
      }
    },
    resources: async (words) => {
      const found = await Promise.all(
        words.split(',').map((word) => kinds((one) => named(one, word.toLowerCase()))),
      )
      const missing = words.split(',').find((_, index) => found[index]?.length === 0)
      if (missing)
        throw new Failed(`error: the server doesn't have a resource type "${missing.split('.')[0]}"`)
      return found.flatMap((some, index) => (words.split(',')[index] === 'all' ? some : some.slice(0, 1)))
    },
    everyResource: () => {
      const fresh = discover(send)
      known.set(key, fresh)
      return fresh
    },
    resourceOf: async ({ apiVersion = '', kind = '', metadata }) => {
      const [found] = await kinds((one) => apiVersionOf(one) === apiVersion && one.kind === kind)
      if (found) return found
      throw new Failed(
        `error: resource mapping not found for name: "${metadata.name}" namespace: "${metadata.namespace ?? ''}" from "STDIN": no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`,
      )
    },
  }
}

/** Where objects of a kind are. */
export function pathOf(resource: Resource, namespace?: string, name?: string): string {
  const base = resource.group ? `/apis/${apiVersionOf(resource)}` : `/api/${resource.version}`
  const inside = namespace && resource.namespaced ? `/namespaces/${namespace}` : ''
  return `${base}${inside}/${resource.name}${name ? `/${name}` : ''}`
}

/** Such as `pod` or `application.argoproj.io`, as kubectl writes it before a name. */
export const shownAs = ({ singularName, kind, group }: Resource) =>
  [singularName || kind.toLowerCase(), group].filter(Boolean).join('.')

const apiVersionOf = ({ group, version }: Resource) => (group ? `${group}/${version}` : version)

function named(one: Resource, word: string): boolean {
  const names = [one.name, one.singularName, one.kind.toLowerCase(), ...(one.shortNames ?? [])]
  const [name = '', ...group] = word.split('.')
  if (word === 'all') return one.categories?.includes('all') === true
  return (
    names.includes(name) &&
    (group.length === 0 || [one.group, `${one.version}.${one.group}`].includes(group.join('.')))
  )
}

function readConfig(path: string): Config {
  try {
    return load(readFileSync(path, 'utf8')) as Config
  } catch {
    throw new Failed(`error: stat ${path}: no such file or directory`)
  }
}

const known = new Map<string, Promise<Resource[]>>()

/** Discovery, remembered for each cluster; asked again when something is not found. */
function discovered(key: string, send: Kube['call']) {
  return async (wanted: (one: Resource) => boolean): Promise<Resource[]> => {
    const before = (await known.get(key)?.catch(() => []))?.filter(wanted) ?? []
    if (before.length > 0) return before
    const fresh = discover(send)
    known.set(key, fresh)
    return (await fresh).filter(wanted)
  }
}

interface Discovered {
  items: {
    metadata: { name: string }
    versions: {
      version: string
      resources: {
        resource: string
        singularResource: string
        responseKind: { kind: string }
        scope: 'Namespaced' | 'Cluster'
        shortNames?: string[]
        categories?: string[]
      }[]
    }[]
  }[]
}

/** Asks as kubectl does: one answer tells all groups. */
async function discover(send: Kube['call']): Promise<Resource[]> {
  const answers = await Promise.all(
    ['/api', '/apis'].map((path) => send<Discovered>('GET', path, { accept: aggregated })),
  )
  return answers
    .flatMap(({ items }) => items)
    .flatMap(({ metadata: { name: group }, versions }) =>
      versions.flatMap(({ version, resources }) =>
        resources.map(({ resource: name, singularResource, responseKind: { kind }, scope, ...names }) => ({
          group,
          version,
          name,
          singularName: singularResource,
          kind,
          namespaced: scope === 'Namespaced',
          ...names,
        })),
      ),
    )
}

function exchange(
  url: URL,
  options: Parameters<typeof request>[1],
  body: string,
): Promise<{ status: number; text: string; json: boolean }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece) => {
        text += piece
      })
      response.on('end', () => {
        const json = /json/.test(response.headers['content-type'] ?? '')
        resolve({ status: response.statusCode ?? 0, text, json })
      })
    })
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const refused = `The connection to the server ${url.host} was refused - did you specify the right host or port?`
      reject(
        new Failed(
          error.code === 'ECONNREFUSED' ? refused : `Unable to connect to the server: ${error.message}`,
        ),
      )
    })
    sent.end(body)
  })
}
