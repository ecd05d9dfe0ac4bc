import { gunzipSync, gzipSync } from 'node:zlib'
import { latencies } from '../../latencies.ts'
import type { Cluster } from '../cluster.ts'
import { now, secondsOf } from '../time.ts'
import { type Thing, type Tree, textAt, treeAt } from '../tree.ts'
import { bucketOf } from './bucket.ts'
import { type Item, itemsFor, resourceList, tarball } from './contents.ts'
import { locationNamed } from './locations.ts'
import { forgetVolumes, saveVolumes } from './volumes.ts'

/** Makes a new backup: objects and volumes into the bucket, in Velero's layout. */
export async function backUp(cluster: Cluster, backup: Thing): Promise<void> {
  const { store } = cluster
  const { name } = backup.metadata
  const location = locationNamed(cluster, textAt(backup, 'spec', 'storageLocation'))
  const invalid = objection(location)
  if (!location || invalid)
    return store.setStatus('Backup', 'velero', name, {
      phase: 'FailedValidation',
      validationErrors: [invalid],
    })
  const labels = { ...backup.metadata.labels, 'velero.io/storage-location': location.metadata.name }
  const wanted = treeAt(backup, 'spec')
  // The command line writes 0s where nobody names a time; the server takes both for its default.
  const ttl = secondsOf(textAt(wanted, 'ttl')) > 0 ? wanted.ttl : '720h0m0s'
  const spec = { ...wanted, ttl, storageLocation: location.metadata.name }
  const begun = store.update({ ...backup, metadata: { ...backup.metadata, labels }, spec })
  const expiration = now(secondsOf(String(ttl)))
  const first = { phase: 'InProgress', version: 1, formatVersion: '1.1.0', startTimestamp: now(), expiration }
  store.setStatus('Backup', 'velero', name, first)
  try {
    const bucket = await bucketOf(cluster, location)
    const items = itemsFor(cluster, begun)
    await cluster.world.latency(latencies.writeBackup)
    const volumes = await saveVolumes(cluster, begun, items, bucket)
    const status = { phase: 'Completed', completionTimestamp: now(), ...counts(items, volumes) }
    const live = store.get('Backup', 'velero', name)
    const files = await filesOf({ ...live, status: { ...treeAt(live, 'status'), ...status } }, items, volumes)
    const puts = Object.entries(files).map(([file, bytes]) => bucket.put(`backups/${name}/${file}`, bytes))
    await Promise.all(puts)
    store.setStatus('Backup', 'velero', name, status)
  } catch (error) {
    if (cluster.isUp()) fail(cluster, begun, (error as Error).message)
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

function counts(items: readonly Item[], volumes: readonly Tree[]): Tree {
  const done = volumes.filter((one) => one.result === 'succeeded')
  const snapshots = done.filter((one) => one.csiSnapshotInfo).length
  const moved = done.length - snapshots
  return {
    progress: { totalItems: items.length, itemsBackedUp: items.length },
    ...(snapshots ? { csiVolumeSnapshotsAttempted: snapshots, csiVolumeSnapshotsCompleted: snapshots } : {}),
    ...(moved ? { backupItemOperationsAttempted: moved, backupItemOperationsCompleted: moved } : {}),
    hookStatus: {},
  }
}

async function filesOf(
  backup: Thing,
  items: readonly Item[],
  volumes: readonly Tree[],
): Promise<Record<string, string | Buffer>> {
  const { name } = backup.metadata
  const log = `level=info msg="paper Velero (simulated) backed up ${items.length} items" backup=velero/${name}\n`
  return {
    'velero-backup.json': JSON.stringify(backup),
    [`${name}.tar.gz`]: await tarball(items),
    [`${name}-logs.gz`]: gzipSync(log),
    [`${name}-results.gz`]: gzipSync('{"errors":{},"warnings":{}}'),
    [`${name}-resource-list.json.gz`]: gzipSync(JSON.stringify(resourceList(items))),
    [`${name}-volumeinfo.json.gz`]: gzipSync(JSON.stringify(volumes)),
    [`${name}-itemoperations.json.gz`]: gzipSync('[]'),
  }
}
