import { apiVersionOf, type Kind, type Kinds } from './kinds.ts'
import type { Tree } from './tree.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** What kubectl and velero ask to learn which kinds there are; undefined for any other path. */
export function discovery(kinds: Kinds, path: string, address: string): Tree | undefined {
  const all = kinds.all()
  const groups = [...new Set(all.map((kind) => kind.group))].filter(Boolean)
  if (path === '/api')
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
    }
  if (path === '/apis') {
    const list = groups.map((name) => group(name, all))
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: list }
  }
  if (path === '/openapi/v3') {
    const versions = [...new Set(all.map(apiVersionOf))]
    const paths = versions.map((version) => {
      const at = version.includes('/') ? `apis/${version}` : `api/${version}`
      return [at, { serverRelativeURL: `/openapi/v3/${at}` }]
    })
    return { paths: Object.fromEntries(paths) }
  }
  const [, schema, version] = path.match(/^(\/openapi\/v3)?\/(?:api|apis)\/((?:[^/]+\/)?v[^/]+)$/) ?? []
  const chosen = all.filter((kind) => apiVersionOf(kind) === version)
  if (version && chosen.length > 0) return schema ? openapi(chosen) : resources(version, chosen)
  const name = path.match(/^\/apis\/([^/]+)$/)?.[1]
  return name && groups.includes(name) ? { apiVersion: 'v1', ...group(name, all) } : undefined
}

/** The form in which everything comes at once, by its media type. */
export const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/**
 * All kinds in one answer for `/api` and one for `/apis`, as every API server since Kubernetes 1.30 gives it to who asks;
 * undefined for any other path (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery).
 */
export function aggregatedDiscovery(kinds: Kinds, path: string): Tree | undefined {
  if (path !== '/api' && path !== '/apis') return undefined
  const all = kinds.all().filter((kind) => (kind.group === '') === (path === '/api'))
  const items = [...new Set(all.map((kind) => kind.group))].map((name) => {
    const inside = all.filter((kind) => kind.group === name)
    const versions = [...new Set(inside.map((kind) => kind.version))].map((version) => ({
      version,
      freshness: 'Current',
      resources: inside.filter((kind) => kind.version === version).map(aggregatedResource),
    }))
    return { metadata: { name }, versions }
  })
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items }
}

function aggregatedResource(kind: Kind): Tree {
  const [own, ...subs] = resourcesOf(kind)
  const responseKind = (one: Resource) => ({
    group: one.group ?? kind.group,
    version: one.version ?? kind.version,
    kind: one.kind,
  })
  return {
    resource: kind.plural,
    responseKind: responseKind(own),
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: own.singularName,
    verbs: own.verbs,
    ...(own.shortNames ? { shortNames: own.shortNames } : {}),
    ...(own.categories ? { categories: own.categories } : {}),
    subresources: subs.map((one) => ({
      subresource: one.name.split('/')[1],
      responseKind: responseKind(one),
      verbs: one.verbs,
    })),
  }
}

function group(name: string, all: readonly Kind[]): Tree {
  const served = [...new Set(all.filter((kind) => kind.group === name).map((kind) => kind.version))]
  const versions = served.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { kind: 'APIGroup', name, versions, preferredVersion: versions[0] }
}

function resources(groupVersion: string, kinds: readonly Kind[]): Tree {
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: kinds.flatMap(resourcesOf) }
}

/** A path below a group and version. */
interface Resource {
  name: string
  singularName: string
  namespaced: boolean
  kind: string
  group?: string
  version?: string
  verbs: readonly string[]
  shortNames?: string[]
  categories?: string[]
}

/** The resource of a kind, and what lies below it. */
function resourcesOf(all: Kind): [Resource, ...Resource[]] {
  const { plural, kind, namespaced, short, categories, ownStatus } = all
  const one = { singularName: kind.toLowerCase(), namespaced, kind }
  const sub = (name: string, ...allowed: string[]) => ({ ...one, name: `${plural}/${name}`, verbs: allowed })
  const isScaled = /^(Deployment|StatefulSet|ReplicaSet)$/.test(kind)
  const scale = {
    ...sub('scale', 'get', 'patch', 'update'),
    kind: 'Scale',
    group: 'autoscaling',
    version: 'v1',
  }
  const eviction = { ...sub('eviction', 'create'), kind: 'Eviction', group: 'policy', version: 'v1' }
  return [
    {
      ...one,
      ...(short.length ? { shortNames: short } : {}),
      ...(categories.length ? { categories } : {}),
      name: plural,
      verbs,
    },
    ...(ownStatus ? [sub('status', 'get', 'patch', 'update')] : []),
    ...(isScaled ? [scale] : []),
    ...(kind === 'Pod' ? [sub('log', 'get'), eviction] : []),
  ]
}

/** As much of OpenAPI as kubectl needs to see that the server checks fields itself, so that it need not. */
function openapi(kinds: readonly Kind[]): Tree {
  const parameters = ['fieldValidation', 'dryRun', 'fieldManager', 'force'].map((name) => ({
    name,
    in: 'query',
  }))
  const paths = kinds.map(({ group, version, kind, plural, namespaced }) => {
    const base = group ? `/apis/${group}/${version}` : `/api/${version}`
    const patch = { parameters, 'x-kubernetes-group-version-kind': { group, version, kind }, responses: {} }
    return [`${base}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}/{name}`, { patch }]
  })
  return {
    openapi: '3.0.0',
    info: { title: 'paper cluster', version: 'simulated' },
    paths: Object.fromEntries(paths),
  }
}
