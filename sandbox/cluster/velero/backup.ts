import { gunzipSync, gzipSync } from 'node:zlib'
import { latencies } from '../../latencies.ts'
import type { Cluster } from '../cluster.ts'
import { apiVersionOf, type Kind } from '../kinds.ts'
import { now, secondsOf } from '../time.ts'
import { type Thing, type Tree, textAt, textsAt, treeAt } from '../tree.ts'
import { bucketOf } from './bucket.ts'
import { itemsFor, optOut, resourceList, tarball } from './contents.ts'
import { knownKinds } from './known-kinds.ts'
import { locationNamed } from './locations.ts'
import { policyObjection } from './resource-policy.ts'
import { forgetVolumes, type Saved, saveVolumes } from './volumes.ts'

/** Makes a new backup: objects and volumes into the bucket, in Velero's layout. */
export async function backUp(cluster: Cluster, backup: Thing): Promise<void> {
  const { store } = cluster
  const { name } = backup.metadata
  const location = locationNamed(cluster, textAt(backup, 'spec', 'storageLocation'))
  const invalid = objection(location) ?? policyObjection(cluster, backup)
  if (!location || invalid)
    return store.setStatus('Backup', 'velero', name, {
      phase: 'FailedValidation',
      validationErrors: [invalid],
    })
  const labels = { ...backup.metadata.labels, 'velero.io/storage-location': location.metadata.name }
  const wanted = treeAt(backup, 'spec')
  // The command line writes 0s where nobody names a time; the server takes both for its default.
  const ttl = secondsOf(textAt(wanted, 'ttl')) > 0 ? wanted.ttl : '720h0m0s'
  // A labelled namespace is one more that is left out, with all that is in it (v1.18.1 `backup_controller.go`).
  const labelled = store.list('Namespace').filter(({ metadata }) => metadata.labels?.[optOut] === 'true')
  const excluded = [
    ...textsAt(wanted, 'excludedNamespaces'),
    ...labelled.map(({ metadata }) => metadata.name),
  ]
  const leftOut = excluded.length > 0 ? { excludedNamespaces: excluded } : {}
  const spec = { ...withoutSnapshots(wanted), ...leftOut, ttl, storageLocation: location.metadata.name }
  const begun = store.update({ ...backup, metadata: { ...backup.metadata, labels }, spec })
  const expiration = now(secondsOf(String(ttl)))
  const first = { phase: 'InProgress', version: 1, formatVersion: '1.1.0', startTimestamp: now(), expiration }
  store.setStatus('Backup', 'velero', name, first)
  try {
    const bucket = await bucketOf(cluster, location)
    const known = knownKinds(cluster)
    const selected = itemsFor(cluster, begun, known)
    await cluster.world.latency(latencies.writeBackup)
    const saved = await saveVolumes(cluster, begun, selected, bucket)
    const phase = saved.errors.length > 0 ? 'PartiallyFailed' : 'Completed'
    const status = { phase, completionTimestamp: now(), ...counts(saved) }
    const live = store.get('Backup', 'velero', name)
    const files = await filesOf({ ...live, status: { ...treeAt(live, 'status'), ...status } }, saved, known)
    const puts = Object.entries(files).map(([file, bytes]) => bucket.put(`backups/${name}/${file}`, bytes))
    await Promise.all(puts)
    store.setStatus('Backup', 'velero', name, status)
  } catch (error) {
    if (cluster.isUp()) fail(cluster, begun, (error as Error).message)
  }
}

/** Velero takes along its own VolumeSnapshots alone: nothing can ask for others (v1.18.3 `backup_controller.go`). */
function withoutSnapshots(spec: Tree): Tree {
  const inside = 'volumesnapshots.snapshot.storage.k8s.io'
  const outside = 'volumesnapshotcontents.snapshot.storage.k8s.io'
  const isOld =
    spec.includeClusterResources !== undefined ||
    [...textsAt(spec, 'includedResources'), ...textsAt(spec, 'excludedResources')].length > 0
  const left = (field: string, ...names: string[]) => ({
    [`excluded${field}`]: [...new Set([...textsAt(spec, `excluded${field}`), ...names])],
  })
  return isOld
    ? { ...spec, ...left('Resources', inside, outside) }
    : {
        ...spec,
        ...left('NamespaceScopedResources', inside),
        ...left('ClusterScopedResources', outside),
      }
}

/** Ends a backup as failed. */
export function fail({ store }: Cluster, backup: Thing, failureReason: string): void {
  const status = { phase: 'Failed', completionTimestamp: now(), failureReason }
  store.setStatus('Backup', 'velero', backup.metadata.name, status)
}

/** Removes a backup with everything that it kept, unless its location may only be read. */
export async function removeBackup(cluster: Cluster, backup: Thing): Promise<void> {
  const { name } = backup.metadata
  const location = locationNamed(cluster, textAt(backup, 'spec', 'storageLocation'))
  if (!location || textAt(location, 'spec', 'accessMode') === 'ReadOnly') return
  const bucket = await bucketOf(cluster, location)
  const keys = await bucket.list(`backups/${name}/`)
  const infos = keys.find((key) => key.endsWith('-volumeinfo.json.gz'))
  if (infos)
    await forgetVolumes(cluster, JSON.parse(gunzipSync(await bucket.get(infos)).toString()) as Tree[], bucket)
  for (const key of keys) await bucket.remove(key)
  cluster.store.remove('Backup', 'velero', name)
}

function objection(location: Thing | undefined): string | undefined {
  if (!location) return 'an existing backup storage location was not specified and there is no default one'
  const { name } = location.metadata
  if (textAt(location, 'spec', 'accessMode') === 'ReadOnly')
    return `backup can't be created because backup storage location ${name} is currently in read-only mode`
  const phase = textAt(location, 'status', 'phase') || 'New'
  if (phase === 'Available') return undefined
  return `backup can't be created because BackupStorageLocation ${name} is in ${phase} status`
}

function counts({ items, infos, errors }: Saved): Tree {
  const count = (fits: (one: Tree) => boolean) => infos.filter(fits).length
  const snapshots = count((one) => one.backupMethod === 'CSISnapshot' && one.snapshotDataMoved === false)
  const attempted = count((one) => one.snapshotDataMoved === true)
  const moved = count((one) => one.snapshotDataMoved === true && one.result === 'succeeded')
  return {
    progress: { totalItems: items.length, itemsBackedUp: items.length },
    ...(errors.length > 0 ? { errors: errors.length } : {}),
    ...(snapshots ? { csiVolumeSnapshotsAttempted: snapshots, csiVolumeSnapshotsCompleted: snapshots } : {}),
    ...(attempted ? { backupItemOperationsAttempted: attempted, backupItemOperationsCompleted: moved } : {}),
    hookStatus: {},
  }
}

async function filesOf(
  backup: Thing,
  { items, infos, errors }: Saved,
  known: readonly Kind[],
): Promise<Record<string, string | Buffer>> {
  const { name } = backup.metadata
  const log = [
    ...known.map(
      (kind) =>
        `level=info msg="Getting items for resource" backup=velero/${name} group=${apiVersionOf(kind)} resource=${kind.plural}`,
    ),
    ...errors.map(
      (one) => `level=error msg="Error backing up item" backup=velero/${name} error=${JSON.stringify(one)}`,
    ),
    `level=info msg="paper Velero (simulated) backed up ${items.length} items" backup=velero/${name}`,
  ]
  const results = { errors: errors.length > 0 ? { velero: errors } : {}, warnings: {} }
  return {
    'velero-backup.json': JSON.stringify(backup),
    [`${name}.tar.gz`]: await tarball(items),
    [`${name}-logs.gz`]: gzipSync(`${log.join('\n')}\n`),
    [`${name}-results.gz`]: gzipSync(JSON.stringify(results)),
    [`${name}-resource-list.json.gz`]: gzipSync(JSON.stringify(resourceList(items))),
    [`${name}-volumeinfo.json.gz`]: gzipSync(JSON.stringify(infos)),
    [`${name}-itemoperations.json.gz`]: gzipSync('[]'),
  }
}
