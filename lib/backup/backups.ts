import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { parseJson } from '../json.ts'

/** A backup as its `velero-backup.json` in the bucket tells it (Velero's `object_store_layout.go`). */
const backup = z.object({
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.object({ snapshotMoveData: z.boolean().optional() }).optional(),
  status: z
    .object({
      phase: z.string().optional(),
      startTimestamp: z.string().optional(),
      completionTimestamp: z.string().optional(),
      expiration: z.string().optional(),
      formatVersion: z.string().optional(),
      errors: z.number().optional(),
      warnings: z.number().optional(),
    })
    .optional(),
})
export type Backup = z.infer<typeof backup>

/** Whether a backup is whole: completed, and without an error. */
export const isWhole = (one: Backup) => one.status?.phase === 'Completed' && (one.status.errors ?? 0) === 0

/** All backups in the bucket, newest first; no cluster is needed. What cannot be read is left out. */
export async function listBackups(bucket: Bucket): Promise<Backup[]> {
  const keys = (await bucket.list('backups/')).filter((one) => one.key.endsWith('/velero-backup.json'))
  const read = await Promise.all(
    keys.map(async ({ key }) => {
      const parsed = backup.safeParse(parseJson(Buffer.from((await bucket.get(key)) ?? '').toString()))
      return parsed.success ? [parsed.data] : []
    }),
  )
  return read.flat().toSorted((a, b) => startOf(b) - startOf(a))
}

/** The newest whole backup. */
export async function lastWhole(bucket: Bucket): Promise<Backup | undefined> {
  return (await listBackups(bucket)).find(isWhole)
}

/** `main-first, 12 s old`, for the last line of every flow. */
export function ageOf(one: Backup | undefined, { cloud }: Pick<Cluster, 'cloud'>): string {
  if (!one) return 'none yet'
  const seconds = Math.max(0, (Date.now() + cloud.clockOffset() - startOf(one)) / 1000)
  const [amount, unit] =
    seconds < 120
      ? [seconds, 's']
      : seconds < 7200
        ? [seconds / 60, 'min']
        : seconds < 172_800
          ? [seconds / 3600, 'h']
          : [seconds / 86_400, 'days']
  return `${one.metadata.name}, ${Math.round(amount)} ${unit} old`
}

const startOf = (one: Backup) => Date.parse(one.status?.startTimestamp ?? '') || 0
