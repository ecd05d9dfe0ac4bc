import { command, veleroHint } from '../../base/hint.ts'
import { Problem, Problems } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { inventory } from '../../cluster/ours.ts'
import { volumesOfDroplet } from '../../cluster/volume-places.ts'
import { kubeconfigPath } from '../../kubernetes/kubeconfig.ts'
import { volumeLimits } from '../../kubernetes/volume-limits.ts'
import { type Backup, listBackups } from '../backups.ts'
import { isWhole } from '../whole.ts'
import type { BackupSpec } from './take.ts'

/** DigitalOcean keeps so many snapshots of a volume (https://docs.digitalocean.com/products/volumes/details/limits). */
const snapshotsOfVolume = 25
/** Minutes between two snapshots of one volume. */
const pause = 10

/**
 * Looks at what DigitalOcean's limits say to a backup, and tells how long it may wait for them. A whole backup of its
 * name that was begun less than ten minutes ago is the one that is wished for; an older one stands in its way.
 * @param bucket the backups' bucket
 * @param kube the cluster, which knows how many volumes a machine takes
 * @throws Problems: everything that would make it fail
 */
export async function backupChecks(
  cluster: Cluster,
  bucket: Bucket,
  wish: BackupSpec,
  kube?: Kube,
): Promise<void> {
  const [own, all, limits] = await Promise.all([
    inventory(cluster.cloud, cluster.name),
    listBackups(bucket, cluster),
    kube ? volumeLimits(kube) : new Map<string, number>(),
  ])
  const found: Problem[] = []
  const minutesOld = (one: Backup | undefined) =>
    (Date.now() + cluster.cloud.clockOffset() - Date.parse(one?.status?.startTimestamp ?? '')) / 60_000
  const kept = wish.volumes ?? cluster.wanted.backups.volumes
  const namesake = all.find((one) => one.metadata.name === wish.name)
  // The same command again, after a run that was killed at its very end, finds what that one took.
  const isTaken =
    namesake !== undefined &&
    isWhole(namesake) &&
    minutesOld(namesake) < pause &&
    namesake.spec?.snapshotMoveData === (kept === 's3')
  if (namesake && !isTaken)
    found.push(
      new Problem(`there is a backup ${wish.name} already`, {
        cure: 'Choose another name with --backup.',
        exitCode: 2,
      }),
    )
  for (const volume of own.volumes) {
    const count = own.snapshots.filter((one) => one.resource_id === volume.id).length
    if (kept === 'snapshot' && count >= snapshotsOfVolume)
      found.push(
        new Problem(
          `volume ${volume.name} has ${count} snapshots, and DigitalOcean keeps ${snapshotsOfVolume}`,
          {
            cure: `Delete an old backup (${veleroHint(kubeconfigPath(cluster.name))`backup delete NAME`}), or take this one with --volumes s3.`,
          },
        ),
      )
  }
  for (const droplet of own.droplets)
    if (
      kept === 's3' &&
      droplet.volume_ids.length >= (limits.get(droplet.name) ?? volumesOfDroplet(cluster.wanted))
    )
      found.push(
        new Problem(
          `droplet ${droplet.name} holds ${droplet.volume_ids.length} volumes, and copying one into the bucket takes one more place`,
          {
            cure: `Move an app to another machine (${command('scale.mts', '--add', '1')} adds one), or take it with --volumes snapshot.`,
          },
        ),
      )
  if (found.length > 0) throw new Problems(found)
  const wait = isTaken ? 0 : pause - minutesOld(all[0])
  if (own.volumes.length > 0 && wait > 0)
    tell(
      '!',
      'snapshots',
      `DigitalOcean allows one snapshot per volume every ${pause} minutes: this backup may wait up to ${Math.ceil(wait)} minute${Math.ceil(wait) === 1 ? '' : 's'}`,
    )
}
