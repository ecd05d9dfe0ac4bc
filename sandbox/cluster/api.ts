import type { TLSSocket } from 'node:tls'
import type { HttpBindings } from '@hono/node-server'
import { loadAll } from 'js-yaml'
import { aggregated, aggregatedDiscovery, discovery } from './discovery.ts'
import { apiVersionOf, type Kind } from './kinds.ts'
import { jsonPatch, mergePatch, strategicPatch } from './merge.ts'
import { fromProtobuf } from './protobuf.ts'
import { Refusal, unknownHere } from './refusal.ts'
import { selects } from './selectors.ts'
import type { Store, Writing } from './store.ts'
import { table } from './tables.ts'
import { at, isTree, listAt, numberAt, type Thing, type Tree, treeAt } from './tree.ts'
import { watch } from './watch.ts'

/** What one request addresses. */
interface Target {
  kind: Kind
  namespace: string | undefined
  name: string | undefined
  sub: string | undefined
}

/** The Kubernetes API of one paper cluster, without the socket. */
export function kubernetesApi(store: Store, version: string, address: string) {
  return {
    async fetch(request: Request, { incoming }: HttpBindings): Promise<Response> {
      try {
        authenticate(incoming.socket as TLSSocket, store)
        return await answer(store, request, version, address)
      } catch (error) {
        if (error instanceof Refusal) return Response.json(error.status(), { status: error.code })
        const failure = new Refusal(500, 'InternalError', `paper cluster: ${(error as Error).stack}`)
        return Response.json(failure.status(), { status: 500 })
      }
    },
  }
}

/**
 * Only a certificate of the client CA counts, and only the group system:masters may do anything, or one that a binding
 * makes cluster-admin.
 */
function authenticate(socket: TLSSocket, store: Store): void {
  const subject = socket.getPeerCertificate?.()?.subject
  if (!socket.authorized || !subject) throw new Refusal(401, 'Unauthorized', 'Unauthorized')
  const groups = [subject.O ?? []].flat()
  if (!groups.some((group) => group === 'system:masters' || isAdmin(store, group)))
    throw new Refusal(
      403,
      'Forbidden',
      `User "${subject.CN}" cannot do this: the paper cluster knows no RBAC but system:masters and cluster-admin`,
    )
}

const isAdmin = (store: Store, group: string) =>
  store
    .list('ClusterRoleBinding')
    .some(
      (one) =>
        at(one, 'roleRef', 'name') === 'cluster-admin' &&
        listAt(one, 'subjects').some((who) => at(who, 'kind') === 'Group' && at(who, 'name') === group),
    )

async function answer(store: Store, request: Request, version: string, address: string): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  if (/^\/(healthz|readyz|livez)(\/|$)/.test(pathname)) return new Response('ok')
  if (pathname === '/version') return Response.json(versionInfo(version))
  const accept = request.headers.get('accept') ?? ''
  const whole = accept.includes(aggregated) ? aggregatedDiscovery(store.kinds, pathname) : undefined
  if (whole) return Response.json(whole, { headers: { 'content-type': aggregated } })
  const found = discovery(store.kinds, pathname, address)
  if (found) return Response.json(found)
  const target = locate(store, pathname)
  const { kind, namespace, name } = target
  const asTable = /as=Table/.test(accept)
  if (request.method !== 'GET') return Response.json(...(await change(store, request, target, searchParams)))
  if (target.sub === 'log')
    return new Response('This pod is simulated (paper): it ran no container and wrote no log.\n')
  if (target.sub && !['status', 'scale'].includes(target.sub))
    throw unknownHere(`${kind.plural}/${target.sub} needs a real pod; this one is simulated`)
  if (name && !searchParams.get('watch')) {
    const thing = store.get(kind, namespace, name)
    if (target.sub === 'scale') return Response.json(scale(thing))
    return Response.json(asTable ? table(kind, [thing], store.revision) : as(kind, thing))
  }
  const fields = [searchParams.get('fieldSelector') ?? '', name ? `metadata.name=${name}` : '']
  const matches = selects(searchParams.get('labelSelector') ?? '', fields.filter(Boolean).join(','))
  if (searchParams.get('watch'))
    return watch(store, { kind, namespace, selects: matches, asTable, query: searchParams })
  const wanted = Number(searchParams.get('resourceVersion') ?? 0)
  if (wanted > store.revision)
    throw new Refusal(
      504,
      'Timeout',
      `Timeout: Too large resource version: ${wanted}, current: ${store.revision}`,
    )
  const items = store.list(kind, namespace).filter(matches)
  if (asTable) return Response.json(table(kind, items, store.revision))
  const { page, more } = pageOf(items, searchParams)
  return Response.json({
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: { resourceVersion: String(store.revision), ...more },
    items: page.map((one) => as(kind, one)),
  })
}

/** A list in pages of `limit`, in the order of names; `continue` says behind which name the next one begins. */
function pageOf(items: Thing[], query: URLSearchParams): { page: Thing[]; more?: Tree } {
  const limit = Number(query.get('limit') ?? 0)
  if (!limit) return { page: items }
  const nameOf = ({ metadata: { namespace = '', name } }: Thing) => `${namespace}/${name}`
  const after = Buffer.from(query.get('continue') ?? '', 'base64').toString()
  const rest = items
    .map((thing) => ({ thing, name: nameOf(thing) }))
    .filter(({ name }) => name > after)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const page = rest.slice(0, limit)
  if (rest.length <= limit) return { page: page.map(({ thing }) => thing) }
  const next = Buffer.from(page.at(-1)?.name ?? '').toString('base64')
  return {
    page: page.map(({ thing }) => thing),
    more: { continue: next, remainingItemCount: rest.length - limit },
  }
}

async function change(
  store: Store,
  request: Request,
  target: Target,
  query: URLSearchParams,
): Promise<[Tree, { status: number }]> {
  const { kind, namespace, name, sub } = target
  const how: Writing = {
    status: sub === 'status',
    dryRun: query.has('dryRun'),
    manager: query.get('fieldManager') ?? 'unknown',
  }
  if (sub === 'eviction' && name) {
    store.remove(kind, namespace, name)
    return [{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, { status: 201 }]
  }
  if (sub && !['status', 'scale', 'finalize'].includes(sub))
    throw unknownHere(`${kind.plural}/${sub} is refused: the pod is simulated, nothing runs in it`)
  if (request.method === 'DELETE')
    return [remove(store, target, query, await request.text()), { status: 200 }]
  const body = await parsed(request)
  if (request.method === 'POST') {
    if (!isTree(body)) throw new Refusal(400, 'BadRequest', 'the body is no object')
    return [store.create(addressed(body, target), how), { status: 201 }]
  }
  if (!name) throw unknownHere(`${request.method} needs the name of one of the ${kind.plural}`, 405)
  if (request.method === 'PUT') {
    if (sub === 'scale') return [rescale(store, target, body), { status: 200 }]
    return [store.update(addressed(body as Tree, target), how), { status: 200 }]
  }
  if (request.method !== 'PATCH') throw unknownHere(`${request.method} is unknown`, 405)
  const type = request.headers.get('content-type')?.split(';')[0] ?? ''
  if (type === 'application/apply-patch+yaml') {
    if (at(body, 'metadata', 'managedFields') !== undefined)
      throw new Refusal(400, 'BadRequest', 'metadata.managedFields must be nil')
    const isNew = !store.find(kind, namespace, name)
    return [store.apply(addressed(body as Tree, target), how), { status: isNew ? 201 : 200 }]
  }
  const patch = patches[type]
  if (!patch) throw new Refusal(415, 'UnsupportedMediaType', `paper cluster: patch type ${type} is unknown`)
  const live = store.get(kind, namespace, name)
  if (sub === 'scale') return [rescale(store, target, patch(scale(live), body)), { status: 200 }]
  const given = at(body, 'metadata', 'resourceVersion')
  const patched = patch(live, body) as Thing
  const metadata = { ...patched.metadata, resourceVersion: typeof given === 'string' ? given : '' }
  return [store.update({ ...patched, metadata }, how), { status: 200 }]
}

const patches: Record<string, (target: unknown, patch: unknown) => unknown> = {
  'application/json-patch+json': jsonPatch,
  'application/merge-patch+json': mergePatch,
  'application/strategic-merge-patch+json': strategicPatch,
}

function remove(store: Store, { kind, namespace, name }: Target, query: URLSearchParams, body: string): Tree {
  const options = body.startsWith('{') ? (JSON.parse(body) as Tree) : {}
  if (options.propagationPolicy === 'Orphan') throw unknownHere('deleting without what is owned is not known')
  if (query.has('dryRun') || options.dryRun) return name ? store.get(kind, namespace, name) : {}
  if (name) return store.remove(kind, namespace, name)
  const matches = selects(query.get('labelSelector') ?? '', query.get('fieldSelector') ?? '')
  for (const one of store.list(kind, namespace).filter(matches))
    store.remove(kind, one.metadata.namespace, one.metadata.name)
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }
}

function locate(store: Store, pathname: string): Target {
  const [, group = '', version = '', rest = ''] =
    pathname.match(/^\/(?:api|apis\/([^/]+))\/([^/]+)\/(.+)$/) ?? []
  const steps = rest.split('/').map(decodeURIComponent)
  const inside =
    steps[0] === 'namespaces' && steps.length > 2 && !['status', 'finalize'].includes(steps[2] ?? '')
  const [plural = '', name, sub] = inside ? steps.slice(2) : steps
  const kind = store.kinds.ofPath(group, version, plural)
  if (!kind) throw new Refusal(404, 'NotFound', 'the server could not find the requested resource')
  return { kind, namespace: inside ? steps[1] : undefined, name, sub }
}

/** The body with the namespace and name of the path; they may not contradict it. */
function addressed(body: Tree, { kind, namespace, name }: Target): Tree {
  const metadata = treeAt(body, 'metadata')
  const home = kind.namespaced ? { namespace: metadata.namespace ?? namespace } : {}
  if (namespace && home.namespace !== namespace)
    throw new Refusal(
      400,
      'BadRequest',
      `the namespace of the provided object does not match the namespace sent on the request`,
    )
  if (name && metadata.name !== undefined && metadata.name !== name)
    throw new Refusal(
      400,
      'BadRequest',
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    )
  const apiVersion = body.apiVersion ?? apiVersionOf(kind)
  return {
    ...body,
    apiVersion,
    kind: kind.kind,
    metadata: { ...metadata, ...(name ? { name } : {}), ...home },
  }
}

async function parsed(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type') ?? 'application/json'
  if (type.includes('protobuf')) return fromProtobuf(Buffer.from(await request.arrayBuffer()))
  try {
    const text = await request.text()
    return /^\s*[[{]/.test(text) ? JSON.parse(text) : loadAll(text)[0]
  } catch (error) {
    throw new Refusal(400, 'BadRequest', `the body is neither JSON nor YAML: ${(error as Error).message}`)
  }
}

function as(kind: Kind, thing: Thing): Thing {
  return { ...thing, apiVersion: apiVersionOf(kind), kind: kind.kind }
}

function scale(thing: Thing): Tree {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = thing.metadata
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(thing, 1, 'spec', 'replicas') },
    status: { replicas: numberAt(thing, 0, 'status', 'replicas') },
  }
}

function rescale(store: Store, { kind, namespace, name }: Target, wanted: unknown): Tree {
  const live = store.get(kind, namespace, name ?? '')
  const replicas = numberAt(wanted, 1, 'spec', 'replicas')
  return scale(store.update({ ...live, spec: { ...treeAt(live, 'spec'), replicas } }))
}

function versionInfo(gitVersion: string): Tree {
  const [major, minor] = gitVersion.replace(/^v/, '').split('.')
  return {
    major,
    minor,
    gitVersion,
    gitTreeState: 'clean',
    platform: 'linux/amd64',
    compiler: 'paper (simulated)',
  }
}
