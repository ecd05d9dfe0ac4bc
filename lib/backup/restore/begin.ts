import { finishedBy } from '../../base/hint.ts'
import type { Inventory } from '../../cluster/ours.ts'
import { revertRemoved } from '../../gitops/git-removed.ts'
import { recordLateVolumes } from '../../machines/first/course.ts'
import { powerOffEarlier } from '../../machines/first/earlier.ts'
import { beginRestoration, finishing } from '../../machines/first/restoration.ts'
import { repairFirstServer } from '../../machines/first/revive.ts'
import type { Foundation } from '../../machines/foundation/foundation.ts'
import { carryUpstream } from '../../store/upstream.ts'
import { undelete } from '../undelete.ts'
import { keepVoucher } from '../vouch/vouching.ts'
import type { Restoring } from './restoring.ts'

/**
 * Begins a restore, or goes on with one that was begun: it is recorded before anything of an earlier cluster is stopped.
 * With `--replace` the earlier machines are powered off here, because two clusters never write to one bucket.
 * @param how.own what belongs to the cluster at DigitalOcean
 * @param how.unfinished whether this gives up an unfinished restore
 */
export async function beginRestore(
  restoring: Restoring,
  { buckets }: Pick<Foundation, 'buckets'>,
  { own, unfinished }: { own: Inventory; unfinished: boolean },
): Promise<void> {
  const { cluster, source, isCopy, kept, backup, course, past, terms } = restoring
  await carryUpstream(cluster, kept.kit, buckets.kit) // what upstream serves no longer, for a copy
  await repairFirstServer(cluster, buckets)
  if (!isCopy) await keepVoucher(buckets.kit, backup) // the cluster cannot say it again once it is off
  await beginRestoration(cluster, buckets, course)
  // It is given up once.
  if (unfinished) finishedBy(finishing(cluster, { begun: course, own }))
  await powerOffEarlier(cluster, course)
  await undelete(source, past) // nobody deletes it again now
  if (terms.choice === 'revert') await revertRemoved(cluster, terms.git) // now no earlier machine follows it
  await recordLateVolumes(cluster, buckets, course) // what it made until then is not forgotten
}
