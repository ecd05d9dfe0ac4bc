import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Inventory } from '../../cluster/ours.ts'
import { dollars, prices } from '../../cluster/prices.ts'
import { copiesIn } from '../copies.ts'
import type { BackedObject } from '../objects.ts'

/**
 * The cluster's snapshots at DigitalOcean that no backup has, one line each: those that a person made as VolumeSnapshots,
 * which Velero takes into no backup (`backup_controller.go`, v1.18.3), and those that it left itself. They stay, and
 * nothing brings them back into a cluster.
 * @param bucket that of the backups
 * @param held the objects of the backup, which tell of whose volume one is
 */
export async function snapshotsApart(
  bucket: Bucket,
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  { snapshots }: Pick<Inventory, 'snapshots'>,
  held: readonly Pick<BackedObject, 'claim' | 'handle'>[],
): Promise<string[]> {
  if (snapshots.length === 0) return []
  const copies = await copiesIn(bucket, cluster, { volumes: [] })
  return snapshots
    .filter(({ id }) => !copies.snapshots.has(id))
    .map(({ id, name, resource_id, created_at, size_gigabytes }) => {
      const claim = held.find(({ handle }) => handle === resource_id)?.claim
      const of = claim === undefined ? 'of a volume that is not in the backup' : `of claim ${claim}`
      const price = dollars(size_gigabytes * prices.snapshotGib)
      return `snapshot ${name} (${id}) ${of}, ${created_at.slice(0, 10)}: no backup has it, so it is not restored  ${price}`
    })
}
