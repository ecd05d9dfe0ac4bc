import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { Cluster } from '../cluster.ts'
import { apiVersionOf, type Kind, resourceOf } from '../kinds.ts'
import { selects } from '../selectors.ts'
import { whole } from '../tar.ts'
import { type Thing, textAt, textsAt, treeAt } from '../tree.ts'

/** One object that goes into a backup. */
export interface Item {
  kind: Kind
  thing: Thing
}

/** The objects that a backup's spec selects, as Velero does it. */
export function itemsFor({ store }: Cluster, backup: Thing): Item[] {
  const spec = treeAt(backup, 'spec')
  const namespaces = chooser(textsAt(spec, 'includedNamespaces'), textsAt(spec, 'excludedNamespaces'))
  const resources = chooser(textsAt(spec, 'includedResources'), textsAt(spec, 'excludedResources'))
  const labels = Object.entries(treeAt(spec, 'labelSelector', 'matchLabels')).map((pair) => pair.join('='))
  const matches = selects(labels.join(','), '')
  const fits = ({ kind, thing }: Item) =>
    (resources.takes(resourceOf(kind)) || resources.takes(kind.plural)) &&
    thing.metadata.labels?.['velero.io/exclude-from-backup'] !== 'true'
  const all = store.everything().filter(fits)
  const inside = all.filter(
    ({ kind, thing }) =>
      kind.namespaced && namespaces.takes(thing.metadata.namespace ?? '') && matches(thing),
  )
  const cluster = all.filter(({ kind }) => !kind.namespaced && kind.kind !== 'Namespace')
  const related = (item: Item) =>
    spec.includeClusterResources !== false &&
    (spec.includeClusterResources === true || namespaces.all || belongs(item, inside))
  const homes = new Set(inside.map(({ thing }) => thing.metadata.namespace))
  const spaces = all.filter(({ kind, thing }) => kind.kind === 'Namespace' && homes.has(thing.metadata.name))
  return [...spaces, ...cluster.filter(related), ...inside]
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

/** What a pair of lists of names takes: everything where nothing is included by name. */
export function chooser(included: string[], excluded: string[]) {
  const everything = included.length === 0 || included.includes('*')
  return {
    all: everything && excluded.length === 0,
    takes: (name: string) => (everything || included.includes(name)) && !excluded.includes(name),
  }
}

/** Volumes of claims and definitions of custom resources go along with what is inside. */
function belongs({ kind, thing }: Item, inside: readonly Item[]): boolean {
  const { name } = thing.metadata
  if (kind.kind === 'PersistentVolume')
    return inside.some((one) => textAt(one.thing, 'spec', 'volumeName') === name)
  return kind.kind === 'CustomResourceDefinition' && inside.some((one) => resourceOf(one.kind) === name)
}
