import { createHash } from 'node:crypto'
import { z } from 'zod'
import { change } from '../../base/change.ts'
import { noneTooLarge } from '../../clients/object-sizes.ts'
import type { Bucket, Listed } from '../../clients/s3.ts'
import { parseRecord, recordText } from '../../store/records.ts'

/** What was written down of one file; size, time and ETag are the store's own words, which no writer chooses. */
const kept = z.object({
  sha256: z.string().length(64),
  /** Bytes. */
  size: z.number(),
  /** When it was last written. */
  at: z.string().max(40),
  /** Not every store tells one. */
  etag: z.string().max(200).optional(),
})

/**
 * What a backup was when a run of regrow saw it beside the cluster that made it. It lies in the kit's bucket, where the
 * cluster's own key cannot write.
 */
const voucher = z.object({
  backup: z.string().max(253),
  /** Of the cluster's own object of it. */
  uid: z.string().max(100),
  /** When it was vouched for. */
  at: z.string().max(40),
  /** By name, each file that anybody believes. */
  files: z.record(z.string().max(300), kept),
})
export type Voucher = z.infer<typeof voucher>

const folder = 'vouched/'
/** Where the voucher of a backup lies. */
export const voucherKey = (backup: string): string => `${folder}${backup}.json`

/** Bytes; one of eleven files has four kilobytes. */
const largest = 64 * 1024

/** The backups for which there is a voucher, by name, with its size in bytes. */
export async function vouched(kit: Bucket): Promise<Map<string, number>> {
  const found = (await kit.list(folder)).map(({ key, size }) => [key.slice(folder.length), size] as const)
  return new Map(found.flatMap(([file, size]) => (file.endsWith('.json') ? [[file.slice(0, -5), size]] : [])))
}

/** What was written down of a backup; undefined when nothing was, or nothing that can be read. */
export async function readVoucher(kit: Bucket, backup: string, size = 0): Promise<Voucher | undefined> {
  if (size > largest) return undefined
  const bytes = await kit.get(voucherKey(backup)).catch(noneTooLarge)
  const { data } = voucher.safeParse(bytes && parseRecord(bytes))
  return data?.backup === backup ? data : undefined
}

/** Writes down what a backup is. */
export async function writeVoucher(kit: Bucket, one: Voucher): Promise<void> {
  const key = voucherKey(one.backup)
  await change(`aws s3 cp - s3://${kit.name}/${key}`, () =>
    kit.put(key, recordText(voucher.parse(one)), { type: 'application/json' }),
  )
}

/** Whether anybody believes a file of a backup: Velero's list of errors is for people. */
const isBelieved = (backup: string, file: string): boolean => file !== `${backup}-results.gz`

/**
 * Whether somebody vouches for a file of a backup, or would have. Its log says which kinds Velero looked for; an earlier
 * regrow did not write down what it was.
 */
export const isVouchedFor = ({ backup, files }: Pick<Voucher, 'backup' | 'files'>, file: string): boolean =>
  isBelieved(backup, file) && (file !== `${backup}-logs.gz` || Object.hasOwn(files, file))

/** Velero writes eleven files of a backup at most. */
export const mostFiles = 20

/** The files of a backup that anybody believes, by their names: of a folder with too many not all. */
export async function believedFiles(bucket: Bucket, backup: string): Promise<Map<string, Listed>> {
  const prefix = `backups/${backup}/`
  const files = (await bucket.list(prefix, 3 * mostFiles)).map(
    (one) => [one.key.slice(prefix.length), one] as const,
  )
  return new Map(files.filter(([name]) => isBelieved(backup, name)))
}

/** Whether a store says the same of an object as then; times are told in seconds. */
export const isAsThen = (
  now: Listed,
  then: Omit<Listed, 'key' | 'etag'> & { etag?: string | undefined },
): boolean =>
  now.size === then.size &&
  Math.floor(now.at.getTime() / 1000) === Math.floor(then.at.getTime() / 1000) &&
  now.etag === then.etag

const expiration = /("expiration":\s*")[0-9TZ:.+-]*(")/g

/**
 * The SHA-256 of a file. Of `velero-backup.json` all but until when it is kept: a restore itself extends that, and who
 * writes it can delete the backup as well.
 */
export function fingerprint(file: string, bytes: Uint8Array): string {
  const sum = createHash('sha256')
  if (file !== 'velero-backup.json') return sum.update(bytes).digest('hex')
  // Byte by byte: what is no UTF-8 is not made equal.
  return sum.update(Buffer.from(bytes).toString('latin1').replace(expiration, '$1$2'), 'latin1').digest('hex')
}
