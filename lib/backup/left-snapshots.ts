import { z } from 'zod'
import { doctlHint } from '../base/hint.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Kube } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Inventory } from '../cluster/ours.ts'
import { dollars, prices } from '../cluster/prices.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { copiesIn } from './copies.ts'

const list = z.object({
  items: z.array(
    z.object({
      kind: z.string(),
      metadata: z.object({ deletionTimestamp: z.string().optional() }),
      spec: z.object({ source: z.object({ snapshotHandle: z.string().optional() }).optional() }).default({}),
      status: z.object({ phase: z.string().optional(), snapshotHandle: z.string().optional() }).optional(),
    }),
  ),
})

const ended = ['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation']

/**
 * Snapshots of the cluster at DigitalOcean that nothing needs, one line each with the command that removes it: a backup
 * that moves its volumes into the bucket makes one of each and deletes it, and one that fails may leave it, billed. One
 * that a backup stands on, or that the cluster knows, is none of these; while a backup runs nothing is said.
 */
export async function leftSnapshots(
  kube: Kube,
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  { snapshots }: Pick<Inventory, 'snapshots'>,
  bucket: Bucket | undefined,
): Promise<string[]> {
  if (snapshots.length === 0) return []
  const kinds = 'backups.velero.io,volumesnapshotcontents.snapshot.storage.k8s.io'
  const { items } = (await kubectlRepeated(kube)`get ${kinds} -A -o json`).json(list)
  if (items.some(({ kind, status }) => kind === 'Backup' && !ended.includes(status?.phase ?? ''))) return []
  const known = new Set(
    items
      // The cluster waits for the end of one that it deletes: where that does not come, it is left.
      .filter(({ kind, metadata }) => kind === 'VolumeSnapshotContent' && !metadata.deletionTimestamp)
      .flatMap(({ spec, status }) => [spec.source?.snapshotHandle ?? '', status?.snapshotHandle ?? '']),
  )
  const apart = snapshots.filter(({ id }) => !known.has(id))
  if (apart.length === 0) return []
  const copies = await copiesIn(bucket, cluster, { volumes: [] })
  return apart
    .filter(({ id }) => !copies.snapshots.has(id))
    .map(({ id, name, size_gigabytes: gib }) => {
      const price = dollars(gib * prices.snapshotGib)
      return `snapshot ${name}, ${price} a month, is of no backup and unknown in the cluster: ${doctlHint`compute snapshot delete ${id}`} removes it`
    })
}
