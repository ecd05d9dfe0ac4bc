import { gunzipSync, gzipSync } from 'node:zlib'
import { latencies } from '../../latencies.ts'
import type { Cluster } from '../cluster.ts'
import { resourceOf } from '../kinds.ts'
import { Refusal } from '../refusal.ts'
import { untar } from '../tar.ts'
import { now } from '../time.ts'
import { type Thing, type Tree, textAt, textsAt, treeAt } from '../tree.ts'
import { type Bucket, bucketOf } from './bucket.ts'
import { chooser } from './contents.ts'
import { locationNamed } from './locations.ts'
import { bringVolume } from './volumes-back.ts'

// What comes before everything else, as Velero's `--restore-resource-priorities` has it by default.
const first =
  'customresourcedefinitions.apiextensions.k8s.io namespaces storageclasses.storage.k8s.io volumesnapshotclasses.snapshot.storage.k8s.io volumesnapshotcontents.snapshot.storage.k8s.io volumesnapshots.snapshot.storage.k8s.io persistentvolumes persistentvolumeclaims serviceaccounts secrets configmaps limitranges pods replicasets.apps'.split(
    ' ',
  )
// What Velero never restores (restore_controller.go), and volumes, which come with their claims.
const never =
  'nodes events events.events.k8s.io backups.velero.io restores.velero.io backuprepositories.velero.io csinodes.storage.k8s.io volumeattachments.storage.k8s.io persistentvolumes datauploads.velero.io volumesnapshots.snapshot.storage.k8s.io volumesnapshotcontents.snapshot.storage.k8s.io'.split(
    ' ',
  )

/** Restores a backup: objects in Velero's order, each volume with its claim. What is there already is skipped. */
export async function restore(cluster: Cluster, wish: Thing): Promise<void> {
  const { store } = cluster
  const { name } = wish.metadata
  const say = (status: Tree) => store.setStatus('Restore', 'velero', name, status)
  // Velero was stopped meanwhile, or another one started and gave this up.
  const isOver = () =>
    !cluster.isUp() || textAt(store.find('Restore', 'velero', name), 'status', 'phase') === 'Failed'
  const backup = store.find('Backup', 'velero', textAt(wish, 'spec', 'backupName'))
  const location = backup && locationNamed(cluster, textAt(backup, 'spec', 'storageLocation'))
  if (!backup || !location)
    return say({ phase: 'FailedValidation', validationErrors: ['Error retrieving backup: not found'] })
  say({ phase: 'InProgress', startTimestamp: now() })
  const told: Told = { errors: [], warnings: [], restored: 0 }
  try {
    const bucket = await bucketOf(cluster, location)
    const folder = `backups/${backup.metadata.name}/${backup.metadata.name}`
    const infos = JSON.parse(
      gunzipSync(await bucket.get(`${folder}-volumeinfo.json.gz`)).toString(),
    ) as Tree[]
    const objects = inOrder(await untar(await bucket.get(`${folder}.tar.gz`)))
    await cluster.world.latency(latencies.restoreObjects)
    if (isOver()) return
    const volumes = objects.flatMap(([resource, saved]) => {
      if (!chosen(wish, resource, saved)) return []
      const info = infos.find(
        (one) => one.pvcNamespace === saved.metadata.namespace && one.pvcName === saved.metadata.name,
      )
      const made = create(cluster, { wish, backup, resource, saved, info, told })
      return made && info && resource === 'persistentvolumeclaims' ? [{ claim: made, info }] : []
    })
    const waiting = volumes.length > 0 ? 'WaitingForPluginOperations' : 'InProgress'
    say({ phase: waiting, restoreItemOperationsAttempted: volumes.length })
    await Promise.all(
      volumes.map(async (one) => {
        const failure = await bringVolume(cluster, { ...one, restore: wish, bucket })
        if (failure) told.errors.push(failure)
      }),
    )
    if (isOver()) return
    await keepResults(bucket, name, told)
    say({
      phase: told.errors.length > 0 ? 'PartiallyFailed' : 'Completed',
      completionTimestamp: now(),
      progress: { totalItems: told.restored, itemsRestored: told.restored },
      ...(told.errors.length > 0 ? { errors: told.errors.length } : {}),
      ...(told.warnings.length > 0 ? { warnings: told.warnings.length } : {}),
    })
  } catch (error) {
    if (!isOver())
      say({ phase: 'Failed', completionTimestamp: now(), failureReason: (error as Error).message })
  }
}

interface Told {
  errors: string[]
  warnings: string[]
  restored: number
}

/** The backup's objects with their resource, those first that others need. */
function inOrder(files: ReadonlyMap<string, string>): [string, Thing][] {
  const place = (resource: string) => (first.includes(resource) ? first.indexOf(resource) : first.length)
  return [...files]
    .flatMap(([path, text]): [string, Thing][] => {
      const resource = path.match(/^resources\/([^/]+)\/(?:namespaces|cluster)\//)?.[1]
      return resource ? [[resource, JSON.parse(text) as Thing]] : []
    })
    .sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b))
}

function chosen(wish: Thing, resource: string, { metadata }: Thing): boolean {
  const spec = treeAt(wish, 'spec')
  const namespaces = chooser(textsAt(spec, 'includedNamespaces'), textsAt(spec, 'excludedNamespaces'))
  const resources = chooser(textsAt(spec, 'includedResources'), textsAt(spec, 'excludedResources'))
  if (never.includes(resource) || !resources.takes(resource)) return false
  if (resource === 'namespaces') return namespaces.takes(metadata.name)
  return metadata.namespace ? namespaces.takes(metadata.namespace) : spec.includeClusterResources !== false
}

/** Makes one object, stripped as Velero strips it; one that is there stays as it is, with a warning. */
function create(
  { store }: Cluster,
  {
    wish,
    backup,
    resource,
    saved,
    info,
    told,
  }: { wish: Thing; backup: Thing; resource: string; saved: Thing; info: Tree | undefined; told: Told },
): Thing | undefined {
  const { name, namespace, labels, annotations } = saved.metadata
  const kind = store.kinds.all().find((one) => resourceOf(one) === resource)
  const label = `${resource} ${namespace ? `${namespace}/` : ''}${name}`
  if (!kind) {
    told.warnings.push(`${label}: the cluster knows no such kind`)
    return undefined
  }
  if (store.find(kind, namespace, name)) {
    told.warnings.push(
      `could not restore, ${label} already exists. Warning: the in-cluster version is different`,
    )
    return undefined
  }
  if (namespace && !store.find('Namespace', undefined, namespace))
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const metadata = {
    name,
    ...(namespace ? { namespace } : {}),
    labels: {
      ...labels,
      'velero.io/backup-name': backup.metadata.name,
      'velero.io/restore-name': wish.metadata.name,
    },
    ...(annotations ? { annotations } : {}),
  }
  const { status: _, ...body } = saved
  try {
    const spec = resource === 'persistentvolumeclaims' ? { spec: claimSpec(saved, info, wish) } : {}
    const made = store.create({ ...body, ...spec, metadata })
    told.restored++
    return made
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    told.errors.push(`${label}: ${error.message}`)
    return undefined
  }
}

/** A claim waits for the volume that is filled for it: by a selector that nothing else meets, or from its snapshot. */
function claimSpec(saved: Thing, info: Tree | undefined, wish: Thing): Tree {
  const { volumeName: _, ...spec } = treeAt(saved, 'spec')
  if (info?.snapshotDataMoved === true)
    return { ...spec, selector: { matchLabels: { 'velero.io/dynamic-pv-restore': wish.metadata.name } } }
  const snapshot = textAt(info, 'csiSnapshotInfo', 'snapshotHandle')
  if (!snapshot) return spec
  const dataSource = {
    apiGroup: 'snapshot.storage.k8s.io',
    kind: 'VolumeSnapshot',
    name: `velero-${saved.metadata.name}-${wish.metadata.uid.slice(0, 5)}`,
  }
  return { ...spec, dataSource, dataSourceRef: dataSource }
}

async function keepResults(
  bucket: Bucket,
  name: string,
  { errors, warnings, restored }: Told,
): Promise<void> {
  const log = [`level=info msg="paper Velero (simulated) restored ${restored} items"`, ...errors, ...warnings]
  const of = (lines: string[]) => (lines.length > 0 ? { velero: lines } : {})
  const results = JSON.stringify({ errors: of(errors), warnings: of(warnings) })
  await bucket.put(`restores/${name}/restore-${name}-logs.gz`, gzipSync(`${log.join('\n')}\n`))
  await bucket.put(`restores/${name}/restore-${name}-results.gz`, gzipSync(results))
}
