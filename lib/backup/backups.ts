import { parseJson } from '../base/json.ts'
import { mapAll } from '../base/parallel.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { TooLarge } from '../clients/object-sizes.ts'
import { type Bucket, StoreRefusal } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isObjectName } from '../kubernetes/object-names.ts'
import { type Bytes, bytesIn } from './bytes.ts'
import { type BackupFile, backupFile, isWhole, judge, type Wholeness } from './whole.ts'

/** A backup of the bucket, with the judgement on it. */
export type Backup = BackupFile & { wholeness: Wholeness }

/** Whose backups they are: its snapshots are asked for where a backup stands on some. */
type Owner = Pick<Cluster, 'cloud' | 'name'>

/**
 * All backups in the bucket, newest first, judged; no machine is needed. One that cannot be read, or says of itself what
 * cannot be, counts as failed, and stands last where its time cannot be believed.
 */
export async function listBackups(
  bucket: Bucket,
  cluster: Owner,
  bytes = bytesIn(bucket, cluster),
): Promise<Backup[]> {
  const all = await unjudged(bucket, cluster)
  return mapAll(all, (one) => judged(bucket, one, bytes, all), 16)
}

/** The whole backups, newest first, each judged only when it is asked for. */
export async function* wholeBackups(bucket: Bucket, cluster: Owner): AsyncGenerator<Backup> {
  const all = await unjudged(bucket, cluster)
  const bytes = bytesIn(bucket, cluster)
  for (const one of all) {
    const found = await judged(bucket, one, bytes, all)
    if (isWhole(found)) yield found
  }
}

/** A backup as its file tells it; `fault` says why nothing of that counts. */
type Unjudged = BackupFile & { fault?: string }

/** How many backups are looked at: one every hour of half a year. */
const mostBackups = 5000

/** A backup that began after this many milliseconds from now did not begin. */
const ahead = 10 * 60_000

async function unjudged(bucket: Bucket, { cloud }: Owner): Promise<Unjudged[]> {
  const now = Date.now() + cloud.clockOffset()
  const keys = (await bucket.list('backups/'))
    .filter((one) => /^backups\/[^/]*\/velero-backup\.json$/.test(one.key))
    .toSorted((a, b) => b.at.getTime() - a.at.getTime())
  if (keys.length > mostBackups)
    tell(
      '!',
      'backups',
      `${bucket.name} has more than anybody takes: only ${mostBackups} are looked at; remove what is not yours below backups/`,
    )
  const read = await mapAll(
    keys.slice(0, mostBackups),
    async ({ key }): Promise<Unjudged[]> => {
      const one = await readBackup(bucket, key, key.split('/')[1] ?? '')
      return one ? [one.fault ? one : { ...one, ...faultOf(one, now) }] : []
    },
    16,
  )
  // What cannot be believed is no newest one.
  const rank = (one: Unjudged) => (one.fault ? 0 : startOf(one))
  return read.flat().toSorted((a, b) => rank(b) - rank(a))
}

/** A backup's own file; undefined where Velero removed it meanwhile. Its folder alone names it. */
async function readBackup(bucket: Bucket, key: string, name: string): Promise<Unjudged | undefined> {
  const metadata = { name }
  if (!isObjectName(name)) return { metadata, fault: 'its name is none that a backup can have' }
  const bytes = await bucket.get(key).catch((error: unknown) => {
    if (error instanceof TooLarge || (error instanceof StoreRefusal && error.status === 403)) return error
    throw error
  })
  if (!bytes) return undefined
  if (bytes instanceof Problem) return { metadata, fault: bytes.message }
  const { data } = backupFile.safeParse(parseJson(Buffer.from(bytes).toString()))
  if (!data) return { metadata, fault: 'its velero-backup.json cannot be read' }
  if (data.metadata.name !== name)
    return { metadata, fault: `its velero-backup.json is that of “${data.metadata.name.slice(0, 100)}”` }
  return data
}

/** What a backup says of itself that cannot be. */
function faultOf(one: BackupFile, now: number): { fault?: string } {
  const start = one.status?.startTimestamp
  if (start === undefined) return {}
  if (Number.isNaN(Date.parse(start))) return { fault: 'the time at which it began is no time' }
  return startOf(one) > now + ahead
    ? { fault: `it says that it began at ${start}, which is yet to come: its time cannot be believed` }
    : {}
}

async function judged(
  bucket: Bucket,
  { fault, ...one }: Unjudged,
  bytes: Bytes,
  all: readonly Unjudged[],
): Promise<Backup> {
  const wholeness: Wholeness = fault
    ? { state: 'failed', reasons: [fault] }
    : await judge(bucket, one, bytes, { all: all.filter((other) => !other.fault) })
  return { ...one, wholeness }
}

/** `main-first, 12 s old`, for the last line of every flow, and whether nobody vouches for it. */
export function ageOf(
  one: (BackupFile & { vouching?: { state: string } }) | undefined,
  { cloud }: Pick<Cluster, 'cloud'>,
): string {
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
  const doubt = one.vouching?.state === 'not vouched for' ? ', not vouched for' : ''
  return `${one.metadata.name}, ${Math.round(amount)} ${unit} old${doubt}`
}

const startOf = (one: BackupFile) => Date.parse(one.status?.startTimestamp ?? '') || 0
