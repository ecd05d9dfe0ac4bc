import type { Kube } from '../../clients/tools.ts'
import type { Buckets } from '../../store/buckets.ts'
import { type Extension, extendExpirations } from '../expiry.ts'
import type { Returning } from '../proof/sight.ts'
import { pinned, whileUnaltered } from '../vouch/vouching.ts'
import { bringBack } from './bring-back.ts'
import { restoreObjects } from './data.ts'
import { readOnlyLocation, waitForSync } from './location.ts'
import type { Restoring } from './restoring.ts'

/** What came back before any app started. */
export interface RestoredData {
  returning: Returning
  compared: Awaited<ReturnType<typeof restoreObjects>>
  /** Backups that would have ended soon, and are kept longer. */
  extended: Extension[]
}

/**
 * Brings back every volume and object of the backup that was chosen, or no app starts, and compares all of it with the
 * backup, object by object, before Git changes any of it. Velero reads the backups, and deletes none.
 * @param awake whether the apps of a copy are to run
 * @throws Problem when a volume does not come back whole, or the backup is another one than was chosen
 */
export async function restoreData(
  kube: Kube,
  restoring: Restoring,
  buckets: Buckets,
  awake: boolean,
): Promise<RestoredData> {
  const { cluster, isCopy, kept, backup, course, held, terms } = restoring
  const { name } = backup.metadata
  const extended = isCopy ? [] : await extendExpirations(cluster, buckets.velero, name)
  await readOnlyLocation(kube, cluster)
  await waitForSync(kube, name)
  const bucket = pinned(kept.velero, name, backup.prints)
  const returning: Returning = { kube, cluster, course, bucket, held, terms, awake }
  const volumes = await whileUnaltered(kept.velero, backup, () =>
    bringBack(kube, { ...course, backed: terms.volumes }),
  )
  return { returning, compared: await restoreObjects(returning, buckets.kit, volumes), extended }
}
