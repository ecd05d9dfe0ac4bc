import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { Cluster } from '../cluster.ts'
import { apiVersionOf, type Kind, resourceOf } from '../kinds.ts'
import type { Store } from '../store.ts'
import { whole } from '../tar.ts'
import { listAt, type Thing, textAt, textsAt, treeAt } from '../tree.ts'
import { chooser, kindFilter, labelFilter } from './filters.ts'

/** One object that goes into a backup. */
export interface Item {
  kind: Kind
  thing: Thing
}

/** What a backup's specification selects. */
export interface Selected {
  items: Item[]
  /** Claims and volumes that a label keeps out: their data is told as skipped. */
  optedOut: Thing[]
}

/** The label that keeps an object out of every backup. */
export const optOut = 'velero.io/exclude-from-backup'

/**
 * The objects that a backup's spec selects, as Velero does it: kinds and namespaces are listed, each object is checked,
 * and then come the objects that others name (volumes of claims, roles of accounts, definitions of custom resources).
 * @param known the kinds that Velero knows
 */
export function itemsFor({ store }: Cluster, backup: Thing, known: readonly Kind[]): Selected {
  const spec = treeAt(backup, 'spec')
  const namespaces = chooser(textsAt(spec, 'includedNamespaces'), textsAt(spec, 'excludedNamespaces'))
  const kinds = kindFilter(store.kinds, spec, namespaces)
  const matches = labelFilter(spec)
  const resources = new Set(known.map(resourceOf))
  const all = store.everything().filter(({ kind }) => resources.has(resourceOf(kind)))
  const found = new Map<string, Item>()
  const optedOut: Thing[] = []
  const take = (item: Item) => {
    const { kind, thing } = item
    const { namespace, labels, deletionTimestamp, name } = thing.metadata
    const key = `${resourceOf(kind)} ${namespace ?? ''}/${name}`
    if (found.has(key)) return
    if (labels?.[optOut] === 'true') {
      if (/^PersistentVolume(Claim)?$/.test(kind.kind)) optedOut.push(thing)
      return
    }
    if (kind.namespaced && !(namespaces.takes(namespace ?? '') && kinds.lists(kind))) return
    if (!kind.namespaced && kind.kind !== 'Namespace' && kinds.refuses(kind)) return
    if (deletionTimestamp) return
    found.set(key, item)
    for (const [wanted, home, other] of namedBy(item, all)) {
      const one = store.kinds.has(wanted) && store.find(wanted, home, other)
      if (one) take({ kind: store.kinds.named(wanted), thing: one })
    }
  }
  const listed = all.filter(
    ({ kind, thing }) =>
      kind.kind !== 'Namespace' &&
      kinds.lists(kind) &&
      (!kind.namespaced || namespaces.takes(thing.metadata.namespace ?? '')) &&
      (!matches || matches(thing)),
  )
  const homes = new Set(listed.map(({ thing }) => thing.metadata.namespace))
  const isWanted = (space: Thing) => {
    if (textAt(space, 'status', 'phase') === 'Terminating') return homes.has(space.metadata.name)
    if (matches?.(space) || homes.has(space.metadata.name)) return true
    return !(namespaces.all && matches) && namespaces.takes(space.metadata.name)
  }
  const spaces = all.filter(
    ({ kind, thing }) => kind.kind === 'Namespace' && kinds.lists(kind) && isWanted(thing),
  )
  for (const item of [...spaces, ...listed]) take(item)
  const definition = store.kinds.named('CustomResourceDefinition')
  if (!kinds.lists(definition) && !kinds.refuses(definition))
    for (const resource of new Set([...found.values()].map(({ kind }) => resourceOf(kind)))) {
      const thing = store.find(definition, undefined, resource)
      if (thing) take({ kind: definition, thing })
    }
  return { items: [...found.values()].map((item) => withManagers(store, item)), optedOut }
}

/** As the real API, a Service tells which of its node ports somebody asked for: a restore drops the others. */
function withManagers(store: Store, { kind, thing }: Item): Item {
  if (kind.kind !== 'Service') return { kind, thing }
  const managedFields = Object.entries(store.appliedTo(thing)).flatMap(([manager, wish]) => {
    const asked = listAt(wish, 'spec', 'ports').filter((port) => Number(port.nodePort) > 0)
    const ports = asked.map(({ port, protocol = 'TCP' }) => [
      `k:{"port":${port},"protocol":"${protocol}"}`,
      { 'f:nodePort': {} },
    ])
    const fieldsV1 = { 'f:spec': { 'f:ports': Object.fromEntries(ports) } }
    return asked.length > 0 ? [{ manager, operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1 }] : []
  })
  if (managedFields.length === 0) return { kind, thing }
  return { kind, thing: { ...thing, metadata: { ...thing.metadata, managedFields } } }
}

/** What Velero's built-in actions take along with an object: kind, namespace and name. */
function namedBy({ kind, thing }: Item, all: readonly Item[]): [string, string | undefined, string][] {
  const { namespace, name } = thing.metadata
  if (kind.kind === 'PersistentVolumeClaim')
    return textAt(thing, 'status', 'phase') === 'Bound'
      ? [['PersistentVolume', undefined, textAt(thing, 'spec', 'volumeName')]]
      : []
  if (kind.kind === 'Pod')
    return [
      ['PriorityClass', undefined, textAt(thing, 'spec', 'priorityClassName')],
      ...listAt(thing, 'spec', 'volumes').map((one): [string, string | undefined, string] => [
        'PersistentVolumeClaim',
        namespace,
        textAt(one, 'persistentVolumeClaim', 'claimName'),
      ]),
    ]
  if (kind.kind !== 'ServiceAccount') return []
  const names = (binding: Thing) =>
    listAt(binding, 'subjects').some(
      (one) => one.kind === 'ServiceAccount' && one.name === name && one.namespace === namespace,
    )
  return all
    .filter((one) => one.kind.kind === 'ClusterRoleBinding' && names(one.thing))
    .flatMap((one): [string, string | undefined, string][] => [
      ['ClusterRoleBinding', undefined, one.thing.metadata.name],
      ['ClusterRole', undefined, textAt(one.thing, 'roleRef', 'name')],
    ])
}

/** The tarball of a backup: each object once by its resource, once more under its preferred version. */
export async function tarball(items: readonly Item[]): Promise<Buffer> {
  const tar = pack()
  tar.entry({ name: 'metadata/version' }, '1.1.0\n')
  for (const { kind, thing } of items) {
    const scope = kind.namespaced ? `namespaces/${thing.metadata.namespace}` : 'cluster'
    for (const version of ['', `${kind.version}-preferredversion/`]) {
      const name = `resources/${resourceOf(kind)}/${version}${scope}/${thing.metadata.name}.json`
      tar.entry({ name }, JSON.stringify({ ...thing, apiVersion: apiVersionOf(kind) }))
    }
  }
  tar.finalize()
  return gzipSync(await whole(tar))
}

/** `{ "v1/Pod": ["namespace/name"] }`, as `resource-list.json.gz` holds it. */
export function resourceList(items: readonly Item[]): Record<string, string[]> {
  const list: Record<string, string[]> = {}
  for (const { kind, thing } of items) {
    const { namespace, name } = thing.metadata
    const entry = `${apiVersionOf(kind)}/${kind.kind}`
    list[entry] = [...(list[entry] ?? []), namespace ? `${namespace}/${name}` : name]
  }
  return list
}
