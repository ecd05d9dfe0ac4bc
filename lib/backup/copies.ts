import type { Bucket } from '../clients/s3.ts'
import { backedVolumes } from './backed.ts'
import { isWhole, listBackups } from './backups.ts'

/** What whole backups hold of volumes: nothing of it is the only copy as long as they are kept. */
export interface Copies {
  /** Names of volumes that a whole backup could bring back. */
  volumes: ReadonlySet<string>
  /** Ids of snapshots that a whole backup stands on. */
  snapshots: ReadonlySet<string>
}

/**
 * Reads what every whole backup holds.
 * @param there ids of the snapshots that exist: a backup whose snapshot is gone holds that volume no more
 */
export async function copiesIn(bucket: Bucket | undefined, there: ReadonlySet<string>): Promise<Copies> {
  const whole = bucket ? (await listBackups(bucket)).filter(isWhole) : []
  const held = (
    await Promise.all(
      whole.map(({ metadata }) => (bucket ? backedVolumes(bucket, metadata.name) : Promise.resolve([]))),
    )
  ).flat()
  const good = held.filter((one) => one.kept === 's3' || (one.snapshot && there.has(one.snapshot)))
  return {
    volumes: new Set(good.map((one) => one.volume)),
    snapshots: new Set(good.flatMap((one) => one.snapshot ?? [])),
  }
}
