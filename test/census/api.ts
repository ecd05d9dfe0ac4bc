import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from 'js-yaml'
import { z } from 'zod'
import { kubeconfig } from '../flows/fleet.ts'
import type { Listed, Thing } from './things.ts'

// The API as a person's own tools reach it, with the kubeconfig that lies in the world; on paper and on real parts.

/** The Kubernetes API of a world's cluster. */
export interface Api {
  /** All objects of all kinds that can be listed, each once. */
  dump(): Promise<Listed[]>
  /** Server-side apply, as `kubectl apply --server-side`. */
  apply(thing: Thing): Promise<Thing>
  /** A JSON merge patch, as `kubectl patch --type merge`. */
  patch(of: Wanted, change: object): Promise<void>
  remove(of: Wanted): Promise<void>
  find(of: Wanted): Promise<Thing | undefined>
  /** Whether the cluster has such a kind, or gets it from a definition made a moment ago. */
  knows(of: Pick<Thing, 'apiVersion' | 'kind'>): Promise<boolean>
  close(): void
}

/** Which object is meant. */
export type Wanted = Pick<Thing, 'apiVersion' | 'kind' | 'metadata'>

const resource = z.object({
  resource: z.string(),
  responseKind: z.object({ kind: z.string() }),
  scope: z.enum(['Namespaced', 'Cluster']),
  verbs: z.array(z.string()),
})
const discovery = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().default('') }).prefault({}),
      // A group whose own server does not answer is named without its resources.
      versions: z.array(z.object({ version: z.string(), resources: z.array(resource).default([]) })),
    }),
  ),
})
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** A kind as discovery tells it. */
interface Known {
  resource: string
  kind: string
  apiVersion: string
  /** Below which all of its objects lie. */
  base: string
  plural: string
  namespaced: boolean
  listed: boolean
}

/** Opens the API of cluster `main`. @param home the world's folder */
export function openApi(home: string): Api {
  const config = kubeconfig.parse(load(readFileSync(join(home, 'kubeconfig-main.yaml'), 'utf8')))
  const [cluster, user] = [config.clusters[0]?.cluster, config.users[0]?.user]
  const decoded = (text = '') => Buffer.from(text, 'base64')
  const agent = new Agent({
    keepAlive: true,
    ca: decoded(cluster?.['certificate-authority-data']),
    servername: cluster?.['tls-server-name'] ?? '',
    cert: decoded(user?.['client-certificate-data']),
    key: decoded(user?.['client-key-data']),
  })
  const call = (method: string, path: string, body?: object, type = 'application/json', accept?: string) =>
    exchange(agent, `${cluster?.server}${path}`, { method, body, type, accept })
  let kinds: Promise<Known[]> | undefined
  const known = () => {
    kinds ??= Promise.all(
      ['/api', '/apis'].map(async (path) =>
        knownIn(path, discovery.parse(JSON.parse(await call('GET', path, undefined, undefined, aggregated)))),
      ),
    ).then((all) => all.flat())
    return kinds
  }
  const kindOf = async ({ apiVersion, kind }: Pick<Thing, 'apiVersion' | 'kind'>) => {
    const isIt = (one: Known) => one.kind === kind && one.apiVersion === apiVersion
    for (let tries = 0; ; tries++) {
      const found = (await known()).find(isIt)
      if (found || tries === 10) return found
      kinds = undefined
      await sleep(20)
    }
  }
  const pathOf = async (of: Wanted) => {
    const { kind, apiVersion } = of
    const { namespace, name } = of.metadata
    const found = await kindOf(of)
    if (!found) throw new Error(`the cluster knows no ${kind} of ${apiVersion}`)
    return `${found.base}${found.namespaced ? `/namespaces/${namespace}` : ''}/${found.plural}/${name}`
  }
  return {
    dump: async () => {
      kinds = undefined
      const listed = (await known()).filter((one) => one.listed)
      const lists = await Promise.all(
        listed.map(async ({ resource, kind, apiVersion, base, plural }) => {
          const { items } = JSON.parse(await call('GET', `${base}/${plural}`)) as { items: Thing[] }
          return items.map((item) => ({ resource, thing: { ...item, apiVersion, kind } }))
        }),
      )
      return lists.flat()
    },
    apply: async (thing) =>
      JSON.parse(
        await call(
          'PATCH',
          `${await pathOf(thing)}?fieldManager=kubectl&force=true`,
          thing,
          'application/apply-patch+yaml',
        ),
      ) as Thing,
    patch: async (of, change) => {
      await call('PATCH', await pathOf(of), change, 'application/merge-patch+json')
    },
    remove: async (of) => {
      await call('DELETE', await pathOf(of), { propagationPolicy: 'Background' })
    },
    find: async (of) => {
      try {
        return JSON.parse(await call('GET', await pathOf(of))) as Thing
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return undefined
        throw error
      }
    },
    knows: async (of) => (await kindOf(of)) !== undefined,
    close: () => agent.destroy(),
  }
}

/** Each resource of a group once, by the version that the server prefers. */
function knownIn(root: string, { items }: z.infer<typeof discovery>): Known[] {
  return items.flatMap(({ metadata: { name: group }, versions }) => {
    const seen = new Set<string>()
    return versions.flatMap(({ version, resources }) =>
      resources.flatMap((one): Known[] => {
        const isSeen = seen.has(one.resource)
        seen.add(one.resource)
        return [
          {
            resource: group ? `${one.resource}.${group}` : one.resource,
            kind: one.responseKind.kind,
            apiVersion: group ? `${group}/${version}` : version,
            base: group ? `${root}/${group}/${version}` : `${root}/${version}`,
            plural: one.resource,
            namespaced: one.scope === 'Namespaced',
            // What nobody can make is an answer of the server, such as a ComponentStatus.
            listed: !isSeen && ['list', 'get', 'create', 'delete'].every((verb) => one.verbs.includes(verb)),
          },
        ]
      }),
    )
  })
}

/** What the API refused. */
class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

function exchange(
  agent: Agent,
  url: string,
  {
    method,
    body,
    type,
    accept,
  }: { method: string; body: object | undefined; type: string; accept: string | undefined },
): Promise<string> {
  return new Promise((done, failed) => {
    const text = body && JSON.stringify(body)
    const content = text ? { 'content-type': type, 'content-length': Buffer.byteLength(text) } : {}
    const headers = { accept: accept ?? 'application/json', ...content }
    const sent = request(url, { method, agent, headers }, async (answer) => {
      const pieces: Buffer[] = []
      for await (const piece of answer) pieces.push(piece as Buffer)
      const said = Buffer.concat(pieces).toString()
      const status = answer.statusCode ?? 0
      if (status < 400) done(said)
      else failed(new Refused(status, `${method} ${url}: ${status} ${said.slice(0, 500)}`))
    })
    sent.once('error', failed)
    sent.end(text)
  })
}
