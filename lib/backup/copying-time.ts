import type { BackedVolume } from './restore/volumes.ts'

/** MiB a second at which the data mover brings volumes back, by what they hold. */
export interface Pace {
  /** Files of 100 MiB. */
  few: number
  /** Files of 10 KiB: kopia asks the object store for each by a request of its own. */
  many: number
}

/**
 * `few` as `npm run bench -- throughput` measured it (2026-12-01, two cores, the object store on the same machine, where
 * `many` was 9.4). `many` is reckoned for a store that answers after 30 ms: eight requests at a time, 10 KiB each.
 */
const expected: Pace = { few: 76, many: 2.6 }

/** Seconds, from those for a few large files to those for nothing but small ones: no backup says how many files it has. */
export interface CopyingTime {
  least: number
  most: number
}

/** Bytes of those volumes whose content lies in the bucket. */
export const movedBytes = (volumes: readonly Pick<BackedVolume, 'kept' | 'bytes'>[]): number =>
  volumes.reduce((sum, { kept, bytes }) => sum + (kept === 's3' ? (bytes ?? 0) : 0), 0)

/** How long the bytes of a backup's volumes take from the bucket. @param bytes without snapshots, which are back at once */
export function copyingTime(bytes: number, { few, many }: Pace = expected): CopyingTime {
  const mebibytes = bytes / 2 ** 20
  return { least: Math.ceil(mebibytes / few), most: Math.ceil(mebibytes / many) }
}

/** A copying time in words such as `3 min to 40 min`; `1 min` where it is no more. */
export function copyingText({ least, most }: CopyingTime): string {
  const [from, to] = [amount(least), amount(most)]
  return from === to ? from : `${from} to ${to}`
}

/** Rounded up to what a person plans with. */
function amount(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60))
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`
}
