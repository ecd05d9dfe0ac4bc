import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import type { BackedVolume } from './volumes.ts'

const info = z.object({
  pvcName: z.string().default(''),
  pvcNamespace: z.string().default(''),
  pvName: z.string().default(''),
  snapshotDataMoved: z.boolean().default(false),
  skipped: z.boolean().default(false),
  csiSnapshotInfo: z.object({ snapshotHandle: z.string().optional() }).nullish(),
  snapshotDataMovementInfo: z.object({ size: z.number().optional() }).nullish(),
})

/** The volumes that a backup holds, by their claims' names; Velero's `volumeinfo.json.gz` has them as they got ready. */
export async function backedVolumes(bucket: Bucket, backup: string): Promise<BackedVolume[]> {
  const bytes = await bucket.get(`backups/${backup}/${backup}-volumeinfo.json.gz`)
  const all = z.array(info).parse(bytes ? JSON.parse(gunzipSync(bytes).toString()) : [])
  return all
    .filter((one) => !one.skipped)
    .map(
      (one): BackedVolume => ({
        claim: `${one.pvcNamespace}/${one.pvcName}`,
        volume: one.pvName,
        kept: one.snapshotDataMoved ? 's3' : 'snapshot',
        bytes: one.snapshotDataMovementInfo?.size,
        snapshot: one.snapshotDataMoved ? undefined : one.csiSnapshotInfo?.snapshotHandle,
      }),
    )
    .toSorted((a, b) => (a.claim < b.claim ? -1 : 1))
}
