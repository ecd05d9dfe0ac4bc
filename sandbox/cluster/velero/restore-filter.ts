import type { Kinds } from '../kinds.ts'
import { type Thing, textsAt, treeAt } from '../tree.ts'
import { type Chooser, chooser, labelFilter, resolved } from './filters.ts'

// What Velero never restores, whatever is asked (its restore_controller.go).
const never = [
  'nodes',
  'events',
  'events.events.k8s.io',
  'backups.velero.io',
  'restores.velero.io',
  'resticrepositories.velero.io',
  'csinodes.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'backuprepositories.velero.io',
]
// What it takes whatever is left out: without it no volume comes back (its restore.go).
const always = ['datauploads.velero.io', 'volumesnapshotcontents.snapshot.storage.k8s.io']
// What comes before everything else, by its `--restore-resource-priorities`.
const first =
  'customresourcedefinitions.apiextensions.k8s.io namespaces storageclasses.storage.k8s.io volumesnapshotclasses.snapshot.storage.k8s.io volumesnapshotcontents.snapshot.storage.k8s.io volumesnapshots.snapshot.storage.k8s.io datauploads.velero.io persistentvolumes persistentvolumeclaims clusterroles.rbac.authorization.k8s.io roles.rbac.authorization.k8s.io serviceaccounts clusterrolebindings.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io secrets configmaps limitranges priorityclasses.scheduling.k8s.io pods replicasets.apps endpoints services'.split(
    ' ',
  )

/** What a restore takes of a backup. */
export interface RestoreFilter {
  /** Why Velero refuses the wish, if it does. */
  objections: string[]
  /** Whether it is listed to be restored. */
  lists(resource: string, thing: Thing): boolean
  /** Whether it may come along because another object names it. */
  admits(resource: string, thing: Thing): boolean
  takesKind(resource: string): boolean
}

/** Velero's rules for namespaces, kinds, cluster-scoped objects and labels of a Restore. */
export function restoreFilter(kinds: Kinds, wish: Thing): RestoreFilter {
  const spec = treeAt(wish, 'spec')
  const included = resolved(kinds, textsAt(spec, 'includedResources'))
  const excluded = resolved(kinds, textsAt(spec, 'excludedResources'))
  const resources = chooser(included, [...excluded, ...never])
  const namespaces = chooser(textsAt(spec, 'includedNamespaces'), textsAt(spec, 'excludedNamespaces'))
  const matches = labelFilter(spec)
  const cluster = spec.includeClusterResources ?? undefined
  const admits = (resource: string, { metadata: { namespace } }: Thing) => {
    if (always.includes(resource)) return true
    if (!resources.takes(resource)) return false
    return namespace ? namespaces.takes(namespace) : cluster !== false
  }
  return {
    objections: [
      ...textsAt(spec, 'includedResources')
        .filter((one) => never.includes(one))
        .map((one) => `${one} are non-restorable resources`),
      ...conflicts('resource', included, excluded),
      ...conflicts('namespace', textsAt(spec, 'includedNamespaces'), textsAt(spec, 'excludedNamespaces')),
    ],
    admits,
    takesKind: (resource) => resources.takes(resource),
    lists: (resource, thing) => {
      if (!admits(resource, thing)) return false
      if (!thing.metadata.namespace && !isClusterWide(cluster, namespaces)) return false
      return always.includes(resource) || !matches || matches(thing)
    },
  }
}

/** Cluster-scoped objects are listed when they are asked for, or when no namespace is left out. */
const isClusterWide = (wish: unknown, namespaces: Chooser) =>
  wish === true || (wish !== false && namespaces.all)

function conflicts(what: string, included: readonly string[], excluded: readonly string[]): string[] {
  const said = (reason: string) => `Invalid included/excluded ${what} lists: ${reason}`
  return [
    ...(included.length > 1 && included.includes('*')
      ? [said("includes list must either contain '*' only, or a non-empty list of items")]
      : []),
    ...(excluded.includes('*') ? [said("excludes list cannot contain '*'")] : []),
    ...excluded
      .filter((one) => included.includes(one))
      .map((one) => said(`excludes list cannot contain an item in the includes list: ${one}`)),
  ]
}

/** The backup's objects with their resource, those first that others need. */
export function inOrder(files: ReadonlyMap<string, string>): [string, Thing][] {
  const place = (resource: string) => (first.includes(resource) ? first.indexOf(resource) : first.length)
  return [...files]
    .flatMap(([path, text]): [string, Thing][] => {
      const resource = path.match(/^resources\/([^/]+)\/(?:namespaces|cluster)\//)?.[1]
      return resource ? [[resource, JSON.parse(text) as Thing]] : []
    })
    .sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b))
}
