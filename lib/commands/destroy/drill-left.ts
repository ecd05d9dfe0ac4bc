import { listBackups } from '../../backup/backups.ts'
import { hint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { describe } from '../../cluster/cluster.ts'
import { inventory } from '../../cluster/ours.ts'
import { firstServerName } from '../../machines/first/first-server.ts'
import { readRestoration } from '../../machines/first/restoration.ts'
import { preflightReading } from '../../machines/preflight/preflight.ts'
import { openBuckets } from '../../store/buckets.ts'
import { removal } from './removal.ts'

/**
 * Whether a rehearsal that was killed left something under the drill's name. It is removed before the next one begins,
 * which so is whole and measures its own time.
 * @param repo its repository, where that is not the usual one
 * @throws Problem when it is no rehearsal's: a drill takes no backups, and its droplet comes after its restore's record
 */
export async function drillIsLeft(drill: string, repo: string | undefined): Promise<boolean> {
  const cluster = await describe({ name: drill, repo })
  await preflightReading(cluster)
  const buckets = await openBuckets(cluster, 'read')
  const all = { 'with-backups': true, 'with-repository': false }
  if ((await removal(cluster, all, buckets)).nothing) return false
  const { droplets } = await inventory(cluster.cloud, drill)
  const restored = buckets && (await readRestoration(buckets.kit, firstServerName(cluster)))
  const backups = buckets ? await listBackups(buckets.velero, cluster) : []
  if (backups.length > 0 || (droplets.length > 0 && !restored))
    throw new Problem(`cluster ${drill} is not a rehearsal’s, and a rehearsal needs that name`, {
      cure: `${hint('scripts/status.mts', cluster)} shows what it is. If you no longer need it: ${hint('scripts/destroy.mts', cluster)} removes it.`,
    })
  return true
}
