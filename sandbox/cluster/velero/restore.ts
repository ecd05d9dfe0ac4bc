import { gunzipSync, gzipSync } from 'node:zlib'
import { latencies } from '../../latencies.ts'
import type { Cluster } from '../cluster.ts'
import { untar } from '../tar.ts'
import { now } from '../time.ts'
import { type Thing, type Tree, textAt } from '../tree.ts'
import { type Bucket, bucketOf } from './bucket.ts'
import { locationNamed } from './locations.ts'
import { inOrder, restoreFilter } from './restore-filter.ts'
import { ObjectRestore, type Told } from './restore-objects.ts'
import { bringVolume } from './volumes-back.ts'

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
  const filter = restoreFilter(store.kinds, wish)
  const objections = [
    ...filter.objections,
    ...(backup ? [] : ['Error retrieving backup: not found']),
    ...(location && textAt(location, 'status', 'phase') !== 'Available'
      ? [`The BSL ${location.metadata.name} is unavailable, cannot retrieve the backup`]
      : []),
  ]
  if (!backup || !location || objections.length > 0)
    return say({ phase: 'FailedValidation', validationErrors: objections })
  say({ phase: 'InProgress', startTimestamp: now() })
  try {
    const bucket = await bucketOf(cluster, location)
    const folder = `backups/${backup.metadata.name}/${backup.metadata.name}`
    const infos = JSON.parse(
      gunzipSync(await bucket.get(`${folder}-volumeinfo.json.gz`)).toString(),
    ) as Tree[]
    const objects = inOrder(await untar(await bucket.get(`${folder}.tar.gz`)))
    await cluster.world.latency(latencies.restoreObjects)
    if (isOver()) return
    const returning = new ObjectRestore(cluster, { wish, backup, filter, infos, objects })
    for (const [resource, saved] of objects)
      if (filter.lists(resource, saved)) await returning.restore(resource, saved)
    const { told } = returning
    const waiting = told.volumes.length > 0 ? 'WaitingForPluginOperations' : 'InProgress'
    say({ phase: waiting, restoreItemOperationsAttempted: told.volumes.length })
    await Promise.all(
      told.volumes.map(async (one) => {
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
