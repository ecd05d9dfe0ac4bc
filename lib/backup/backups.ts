import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { parseJson } from '../json.ts'
import { type Bytes, bytesIn } from './bytes.ts'
import { type BackupFile, backupFile, isWhole, judge, type Wholeness } from './whole.ts'

/** A backup of the bucket, with the judgement on it. */
export type Backup = BackupFile & { wholeness: Wholeness }

/** Whose backups they are: its snapshots are asked for where a backup stands on some. */
type Owner = Pick<Cluster, 'cloud' | 'name'>

/** All backups in the bucket, newest first, judged; no machine is needed. One that cannot be read counts as failed. */
export async function listBackups(
  bucket: Bucket,
  cluster: Owner,
  bytes = bytesIn(bucket, cluster),
): Promise<Backup[]> {
  const all = await unjudged(bucket)
  return Promise.all(all.map((one) => judged(bucket, one, bytes, all)))
}

/** The newest whole backup. */
export async function lastWhole(bucket: Bucket, cluster: Owner): Promise<Backup | undefined> {
  const all = await unjudged(bucket)
  const bytes = bytesIn(bucket, cluster)
  for (const one of all) {
    const found = await judged(bucket, one, bytes, all)
    if (isWhole(found)) return found
  }
  return undefined
}

/** A backup as its file tells it, or the name of one whose file says nothing. */
type Unjudged = BackupFile & { damaged?: true }

async function unjudged(bucket: Bucket): Promise<Unjudged[]> {
  const keys = (await bucket.list('backups/')).filter((one) => one.key.endsWith('/velero-backup.json'))
  const read = await Promise.all(
    keys.map(async ({ key }): Promise<Unjudged[]> => {
      const bytes = await bucket.get(key)
      if (!bytes) return [] // Velero removed it meanwhile
      const name = key.split('/')[1] ?? ''
      const parsed = backupFile.safeParse(parseJson(Buffer.from(bytes).toString()))
      return parsed.data?.metadata.name === name ? [parsed.data] : [{ metadata: { name }, damaged: true }]
    }),
  )
  return read.flat().toSorted((a, b) => startOf(b) - startOf(a))
}

async function judged(
  bucket: Bucket,
  { damaged, ...one }: Unjudged,
  bytes: Bytes,
  all: readonly BackupFile[],
): Promise<Backup> {
  const wholeness: Wholeness = damaged
    ? { state: 'failed', reasons: ['its velero-backup.json cannot be read'] }
    : await judge(bucket, one, bytes, { all })
  return { ...one, wholeness }
}

/** `main-first, 12 s old`, for the last line of every flow. */
export function ageOf(one: BackupFile | undefined, { cloud }: Pick<Cluster, 'cloud'>): string {
  if (!one) return 'none whole yet'
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

const startOf = (one: BackupFile) => Date.parse(one.status?.startTimestamp ?? '') || 0
