import type { Bucket } from '../clients/s3.ts'
import type { Inventory } from '../cluster/ours.ts'
import { prices } from '../cluster/prices.ts'
import { backedVolumes } from './backed.ts'
import { type Backup, isWhole, listBackups } from './backups.ts'

/** The annotation under which a backup remembers which commit of the GitOps repository it was made beside. */
export const commitAnnotation = 'regrow.dev/commit'

/** A backup as the bucket has it, whether or not there is a cluster. */
export interface BackupRecord {
  name: string
  /** Velero's phase; `Completed` with errors is not whole. */
  state: string
  whole: boolean
  started: string | undefined
  expires: string | undefined
  /** Velero's own version is not in a backup; this is the one of its layout. */
  formatVersion: string | undefined
  commit: string | undefined
  volumes: { claim: string; kept: 's3' | 'snapshot'; bytes: number | undefined }[]
  /** Bytes in the bucket: objects and logs, and what was moved of volumes. */
  bytes: number
  /** Dollars a month beyond Spaces' flat fee: its snapshots. */
  perMonth: number
}

/** Reads what a backup holds. @param snapshots those of the cluster that exist, for their price */
export async function recordOf(
  bucket: Bucket,
  one: Backup,
  snapshots: Inventory['snapshots'],
): Promise<BackupRecord> {
  const { name } = one.metadata
  const [volumes, files] = await Promise.all([backedVolumes(bucket, name), bucket.list(`backups/${name}/`)])
  const held = new Set(volumes.map((volume) => volume.snapshot))
  const moved = volumes.reduce((sum, volume) => sum + (volume.kept === 's3' ? (volume.bytes ?? 0) : 0), 0)
  return {
    name,
    state: one.status?.phase ?? 'not started',
    whole: isWhole(one),
    started: one.status?.startTimestamp,
    expires: one.status?.expiration,
    formatVersion: one.status?.formatVersion,
    commit: one.metadata.annotations?.[commitAnnotation],
    volumes: volumes.map(({ claim, kept, bytes }) => ({ claim, kept, bytes })),
    bytes: files.reduce((sum, file) => sum + file.size, 0) + moved,
    perMonth: snapshots
      .filter((snapshot) => held.has(snapshot.id))
      .reduce((sum, snapshot) => sum + snapshot.size_gigabytes * prices.snapshotGib, 0),
  }
}

/** All backups in the bucket with what they hold, newest first. */
export async function records(bucket: Bucket, snapshots: Inventory['snapshots']): Promise<BackupRecord[]> {
  return Promise.all((await listBackups(bucket)).map((one) => recordOf(bucket, one, snapshots)))
}

/** Bytes as people read them: `512 B`, `3.4 MiB`. */
export function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}
