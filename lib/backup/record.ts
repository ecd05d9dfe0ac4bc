import { mapAll } from '../base/parallel.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Inventory } from '../cluster/ours.ts'
import { dollars, prices } from '../cluster/prices.ts'
import { isObjectName } from '../kubernetes/object-names.ts'
import { backedVolumes } from './backed.ts'
import { type Backup, listBackups } from './backups.ts'
import { type Bytes, bytesIn } from './bytes.ts'
import { type CopyingTime, copyingText, copyingTime, movedBytes } from './copying-time.ts'
import { minuteOf, table } from './table.ts'
import { unseen, type Vouchers, type Vouching, vouchersOf } from './vouch/vouching.ts'
import { isWhole, reasonsOf, type Wholeness } from './whole.ts'

/** The annotation under which a backup remembers which commit of the GitOps repository it was made beside. */
export const commitAnnotation = 'regrow.dev/commit'

/** A backup as the bucket has it, whether or not there is a cluster. */
export interface BackupRecord {
  name: string
  /** Velero's phase: `Completed` alone does not make it whole. */
  state: string
  whole: boolean
  wholeness: Wholeness['state']
  /** Why it is not whole, one line each. */
  reasons: string[]
  /** Whether a writer of the bucket can have made or changed it. */
  vouching: Vouching['state']
  /** Why nobody vouches for it, or what of it was altered. */
  vouchingReason: string | undefined
  started: string | undefined
  expires: string | undefined
  /** Velero's own version is not in a backup; this is the one of its layout. */
  formatVersion: string | undefined
  commit: string | undefined
  /** Those that a restore brings back. */
  volumes: { claim: string; kept: 's3' | 'snapshot'; bytes: number | undefined }[]
  /** Bytes in the bucket: objects and logs, and what was moved of volumes. */
  bytes: number
  /** How long a restore may copy its volumes from the bucket; undefined where it has none there. */
  copying: CopyingTime | undefined
  /** Dollars a month beyond Spaces' flat fee: its snapshots. */
  perMonth: number
}

/** Reads what a backup holds. @param snapshots those of the cluster that exist, for their price */
export async function recordOf(
  bucket: Bucket,
  one: Backup,
  snapshots: Inventory['snapshots'],
  bytes: Bytes,
  vouchers: Vouchers,
): Promise<BackupRecord> {
  const { name } = one.metadata
  const isName = isObjectName(name)
  const [vouching, volumes, files] = await Promise.all([
    vouchers.look(name),
    isName ? backedVolumes(bucket, name, bytes).catch(() => []) : [], // what cannot be read is among the reasons
    isName ? bucket.list(`backups/${name}/`) : [],
  ])
  const held = new Set(volumes.map((volume) => volume.snapshot))
  const moved = movedBytes(volumes)
  return {
    name,
    state: one.status?.phase ?? 'not started',
    whole: isWhole(one),
    wholeness: one.wholeness.state,
    reasons: reasonsOf(one),
    vouching: vouching.state,
    vouchingReason: vouching.state === 'vouched for' ? undefined : vouching.why,
    started: one.status?.startTimestamp,
    expires: one.status?.expiration,
    formatVersion: one.status?.formatVersion,
    commit: one.metadata.annotations?.[commitAnnotation],
    volumes: volumes.map(({ claim, kept, bytes }) => ({ claim, kept, bytes })),
    bytes: files.reduce((sum, file) => sum + file.size, 0) + moved,
    copying: moved > 0 ? copyingTime(moved) : undefined,
    perMonth: snapshots
      .filter((snapshot) => held.has(snapshot.id))
      .reduce((sum, snapshot) => sum + snapshot.size_gigabytes * prices.snapshotGib, 0),
  }
}

/** All backups in the bucket with what they hold, newest first. */
export async function records(
  { velero: bucket, kit }: { velero: Bucket; kit?: Bucket },
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  snapshots: Inventory['snapshots'],
): Promise<BackupRecord[]> {
  const bytes = bytesIn(bucket, cluster)
  const all = await listBackups(bucket, cluster, bytes)
  const vouchers = vouchersOf(bucket, kit)
  return mapAll(all, (one) => recordOf(bucket, one, snapshots, bytes, vouchers), 16)
}

/** Below each backup what is not as it should be; whoever vouches for all of them is told once, at the end. */
function vouchingLines({ vouching, vouchingReason: why, wholeness }: BackupRecord): string[] {
  // Nothing brings a failed one back.
  if (vouching === 'vouched for' || (vouching === 'not vouched for' && wholeness === 'failed')) return []
  return [vouching === 'altered' ? `  ! altered since it was vouched for: ${why}` : `    not vouched for`]
}

/** How many backups somebody vouches for, and what it means for the others. */
export function vouchedLine(all: readonly BackupRecord[]): string {
  const count = all.filter(({ vouching }) => vouching === 'vouched for').length
  const rest = count === all.length ? '' : `: of the others ${unseen}`
  return `vouched for  ${count} of ${all.length}${rest}`
}

/** Bytes as people read them: `512 B`, `3.4 MiB`. */
export function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}

/** Backups as a table for a screen of 80 columns, and below each what keeps it from being whole. */
export function backupTable(all: readonly BackupRecord[]): string[] {
  if (all.length === 0) return ['no backups']
  return table(
    ['name', 'state', 'taken (UTC)', 'size', 'volumes', 'kept until'],
    all.map((one) => ({
      cells: [
        one.name,
        one.wholeness,
        minuteOf(one.started) ?? 'never',
        sizeOf(one.bytes),
        String(one.volumes.length),
        one.expires?.slice(0, 10) ?? 'deleted',
      ],
      below: [
        ...one.reasons.map((reason) => `  ! ${reason}`),
        ...vouchingLines(one),
        ...(one.copying && one.copying.most > 60 && one.wholeness !== 'failed'
          ? [`    its volumes take ${copyingText(one.copying)} from the bucket`]
          : []),
        ...(one.perMonth > 0 ? [`    its snapshots cost ${dollars(one.perMonth)} a month`] : []),
      ],
    })),
  )
}
