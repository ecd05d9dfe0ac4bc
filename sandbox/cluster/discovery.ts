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

function group(name: string, all: readonly Kind[]): Tree {
  const served = [...new Set(all.filter((kind) => kind.group === name).map((kind) => kind.version))]
  const versions = served.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { kind: 'APIGroup', name, versions, preferredVersion: versions[0] }
}

function resources(groupVersion: string, kinds: readonly Kind[]): Tree {
  const list = kinds.flatMap(({ plural, kind, namespaced, short, categories, ownStatus }) => {
    const one = { singularName: kind.toLowerCase(), namespaced, kind }
    const more = {
      ...(short.length ? { shortNames: short } : {}),
      ...(categories.length ? { categories } : {}),
    }
    const sub = (name: string, ...allowed: string[]) => ({
      ...one,
      name: `${plural}/${name}`,
      verbs: allowed,
    })
    return [
      { ...one, ...more, name: plural, verbs },
      ...(ownStatus ? [sub('status', 'get', 'patch', 'update')] : []),
      ...(/^(Deployment|StatefulSet|ReplicaSet)$/.test(kind)
        ? [{ ...sub('scale', 'get', 'patch', 'update'), kind: 'Scale', group: 'autoscaling', version: 'v1' }]
        : []),
      ...(kind === 'Pod'
        ? [
            sub('log', 'get'),
            { ...sub('eviction', 'create'), kind: 'Eviction', group: 'policy', version: 'v1' },
          ]
        : []),
    ]
  })
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: list }
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
