import { command } from '../../base/hint.ts'
import { mapAll } from '../../base/parallel.ts'
import { Problem } from '../../base/problem.ts'
import { TooLarge } from '../../clients/object-sizes.ts'
import { type Bucket, type Listed, StoreRefusal } from '../../clients/s3.ts'
import { cureOf, damageOf } from '../../store/records.ts'
import {
  believedFiles,
  fingerprint,
  isAsThen,
  isVouchedFor,
  mostFiles,
  readVoucher,
  type Voucher,
  vouched,
  voucherKey,
  writeVoucher,
} from './voucher.ts'

/** Whether somebody who writes into the backups' bucket can have made, or changed, a backup. */
export type Vouching =
  /** A run of regrow saw it beside the cluster that made it, and it is as it was then. */
  | { state: 'vouched for'; voucher: Voucher }
  | { state: 'not vouched for'; why: string }
  /** It was vouched for, and is another one now. */
  | { state: 'altered'; why: string; voucher: Voucher }

/** What a backup is in this moment: the SHA-256 of each file that anybody believes, by its name. */
export type Prints = ReadonlyMap<string, string>

/** A backup, looked at by every byte. */
export interface Sworn {
  vouching: Vouching
  prints: Prints
}

/** Asks a living cluster for its own word about a backup: a voucher, or why there is none. */
export type Witness = (backup: string) => Promise<{ voucher: Voucher; prints: Prints } | string>

/** Who says of backups whether they are what a cluster made. */
export interface Vouchers {
  /** By what the store says of the files: only what does not look as it did is read. */
  look(backup: string): Promise<Vouching>
  /** By every byte; where nothing was written down, by the cluster itself, if it lives. */
  swear(backup: string): Promise<Sworn>
  /** Whether any backup was ever vouched for: an older regrow wrote nothing down. */
  any(): Promise<boolean>
}

/** Stands for the digest of a file that is too large, or locked by a key of somebody else's. */
export const unreadable = 'unreadable'

/** Why nobody vouches for a backup. */
export const unseen = 'no run of regrow has seen it beside the cluster that made it'

/**
 * What is known of a bucket's backups.
 * @param kit the bucket of the kit beside it
 * @param witness the cluster whose backups they are, if it may live
 */
export function vouchersOf(bucket: Bucket, kit: Bucket | undefined, witness?: Witness): Vouchers {
  let names: Promise<ReadonlyMap<string, number>> | undefined
  const known = () => {
    names ??= kit ? vouched(kit) : Promise.resolve(new Map<string, number>())
    return names
  }
  const voucherOf = async (backup: string) => {
    const size = (await known()).get(backup)
    return kit && size !== undefined ? readVoucher(kit, backup, size) : undefined
  }
  // Of one that was written down and cannot be read, that is told.
  const why = async (backup: string) =>
    kit && (await known()).has(backup) ? damageOf(kit, voucherKey(backup)) : unseen
  return {
    any: async () => (await known()).size > 0,
    look: async (backup) => {
      const voucher = await voucherOf(backup)
      if (!voucher) return { state: 'not vouched for', why: await why(backup) }
      const files = await believedFiles(bucket, backup)
      return judged(voucher, files, async (file, now) => {
        const then = voucher.files[file]
        const isSame = then && isAsThen(now, { ...then, at: new Date(then.at) })
        return isSame ? then.sha256 : printOf(bucket, file, now)
      })
    },
    swear: async (backup) => {
      const voucher = await voucherOf(backup)
      const read = async () => {
        const files = await believedFiles(bucket, backup)
        return { files, prints: await printsOf(bucket, files) }
      }
      if (voucher) {
        const { files, prints } = await read()
        const vouching = await judged(voucher, files, async (file) => prints.get(file))
        if (vouching.state === 'vouched for') return { vouching, prints }
        // A backup that was deleted and taken again under its name is another one, not an altered one.
        const anew = await witness?.(backup)
        return typeof anew === 'object' && anew.voucher.uid !== voucher.uid
          ? sworn(anew)
          : { vouching, prints }
      }
      const seen = await witness?.(backup)
      if (typeof seen === 'object') return sworn(seen)
      const doubt = seen ?? (await why(backup))
      return { vouching: { state: 'not vouched for', why: doubt }, prints: (await read()).prints }
    },
  }
}

/** Whether a backup that was altered is in truth another one, which was taken again under its name. */
export const isAnother = (was: Vouching, now: Voucher): boolean =>
  was.state !== 'altered' || was.voucher.uid !== now.uid

const sworn = ({ voucher, prints }: { voucher: Voucher; prints: Prints }): Sworn => ({
  vouching: { state: 'vouched for', voucher },
  prints,
})

/** What a file is; of one that cannot be read, that it is no file of Velero's. */
async function printOf(bucket: Bucket, file: string, { key }: Listed): Promise<string> {
  try {
    return fingerprint(file, (await bucket.get(key)) ?? Buffer.alloc(0))
  } catch (error) {
    if (error instanceof TooLarge || (error instanceof StoreRefusal && error.status === 403))
      return unreadable
    throw error
  }
}

/** Reads files of a backup; of more than Velero writes none. */
export async function printsOf(bucket: Bucket, files: ReadonlyMap<string, Listed>): Promise<Prints> {
  const prints = new Map<string, string>()
  if (files.size > mostFiles) return prints
  for (const [file, one] of files) prints.set(file, await printOf(bucket, file, one))
  return prints
}

/** Holds a backup against what was written down of it. */
async function judged(
  voucher: Voucher,
  files: ReadonlyMap<string, Listed>,
  print: (file: string, now: Listed) => Promise<string | undefined>,
): Promise<Vouching> {
  const reasons: string[] = []
  for (const file of Object.keys(voucher.files)) if (!files.has(file)) reasons.push(`${file} is gone`)
  for (const [file, now] of files) {
    if (!isVouchedFor(voucher, file)) continue
    const then = Object.hasOwn(voucher.files, file) ? voucher.files[file] : undefined
    if (!then) reasons.push(`${file} came later`)
    else if ((await print(file, now)) !== then.sha256)
      reasons.push(`${file} is another one since ${now.at.toISOString().slice(0, 19)}Z`)
  }
  return reasons.length === 0
    ? { state: 'vouched for', voucher }
    : { state: 'altered', why: reasons.join(', '), voucher }
}

/** Writes down what the living cluster said of a backup, where nobody had written it down before. */
export async function keepVoucher(kit: Bucket, { vouching }: Pick<Sworn, 'vouching'>): Promise<void> {
  if (vouching.state !== 'vouched for') return
  const { voucher } = vouching
  const before = await readVoucher(kit, voucher.backup)
  if (before?.uid !== voucher.uid) await writeVoucher(kit, voucher)
}

/** `vouched for`, or why not, in one line. */
export const vouchingLine = (one: Vouching): string =>
  one.state === 'vouched for' ? one.state : `${one.state}: ${one.why}`

/** The backups that were altered, and those whose voucher was, one line each. */
export async function alteredLines(
  { velero, kit }: { velero: Bucket; kit: Bucket },
  all: readonly { metadata: { name: string } }[],
): Promise<string[]> {
  const vouchers = vouchersOf(velero, kit)
  const look = async ({ metadata: { name } }: { metadata: { name: string } }) => ({
    name,
    vouching: await vouchers.look(name),
  })
  const seen = await mapAll(all, look, 16)
  return seen.flatMap(({ name, vouching }) => {
    if (vouching.state === 'altered')
      return [`backup ${name} was altered since it was vouched for, and comes back nowhere: ${vouching.why}`]
    const key = voucherKey(name)
    return vouching.state === 'not vouched for' && vouching.why === damageOf(kit, key)
      ? [`nobody vouches for backup ${name}: ${vouching.why}. ${cureOf(kit, key)}`]
      : []
  })
}

/** That a backup is not what it was: no restore takes it. */
export const alteredProblem = (backup: string, why: string): Problem =>
  new Problem(`backup ${backup} was altered since it was vouched for: ${why}`, {
    cure: `Take another one. ${command('restore.mts', '--backup', backup, '--undelete')} brings it back as it was, where the bucket keeps versions. Whoever altered it has a key to that bucket: see docs/security.md.`,
  })

/** The same bucket, in which a backup's files are read only as they were when it was chosen. */
export function pinned(bucket: Bucket, backup: string, prints: Prints): Bucket {
  const prefix = `backups/${backup}/`
  return {
    ...bucket,
    get: async (key, version) => {
      const bytes = await bucket.get(key, version)
      const file = key.startsWith(prefix) ? key.slice(prefix.length) : ''
      const then = prints.get(file)
      if (bytes && then !== undefined && fingerprint(file, bytes) !== then)
        throw alteredProblem(backup, `${file} is another one than a moment ago`)
      return bytes
    },
  }
}

/**
 * Lets somebody else read a backup, Velero: before and afterwards it must be what was chosen, and nothing of it may have
 * been written meanwhile, not even back.
 * @throws Problem when it was altered
 */
export async function whileUnaltered<T>(
  bucket: Bucket,
  { metadata: { name: backup }, prints }: { metadata: { name: string }; prints: Prints },
  work: () => Promise<T>,
): Promise<T> {
  const before = await believedFiles(bucket, backup)
  const now = await printsOf(bucket, before)
  const changed = [...new Set([...prints.keys(), ...now.keys()])].filter(
    (file) => prints.get(file) !== now.get(file),
  )
  if (changed.length > 0) throw alteredProblem(backup, `${changed.join(', ')} since it was chosen`)
  const done = await work()
  const after = await believedFiles(bucket, backup)
  const written = [...new Set([...before.keys(), ...after.keys()])].filter((file) => {
    const [then, later] = [before.get(file), after.get(file)]
    return !then || !later || !isAsThen(later, then)
  })
  if (written.length > 0) throw alteredProblem(backup, `${written.join(', ')} while it was restored`)
  return done
}
