import { parseJson } from '../base/json.ts'
import { TooLarge } from '../clients/object-sizes.ts'
import { type Bucket, StoreRefusal, type Version } from '../clients/s3.ts'
import { isObjectName } from '../kubernetes/object-names.ts'
import { volumeEntries } from './backed.ts'
import { fingerprint, isAsThen, isVouchedFor, type Voucher } from './vouch/voucher.ts'
import { type BackupFile, backupFile } from './whole.ts'

/** What makes the bucket hold a backup again as it did when that ended. */
export interface Undeletion {
  backup: BackupFile
  /** Versions to be put on top again, the backup's own file last: with it the work is done. */
  back: Version[]
  /** Keys that were written later and would stand in its way. */
  away: string[]
  /** Of the backups that are there, the ones made later: for their sake nothing goes away. */
  younger: string[]
  /** When the first thing of its own was deleted or overwritten; undefined while all of that is there. */
  since: Date | undefined
}

/** All versions of the bucket's objects below a folder, asked for once each. */
export type Past = (prefix: string) => Promise<Version[]>

/** The past of a bucket, as far as it keeps one. */
export function pastOf(bucket: Bucket): Past {
  const asked = new Map<string, Promise<Version[]>>()
  return (prefix) => {
    const versions = asked.get(prefix) ?? bucket.versions(prefix)
    asked.set(prefix, versions)
    return versions
  }
}

const ownFile = (backup: string) => `backups/${backup}/velero-backup.json`

/** Names of backups of which the bucket has anything, or had; what cannot be the name of one is none. */
export async function namesIn(past: Past): Promise<string[]> {
  const names = (await past('backups/')).map(({ key }) => key.split('/')[1] ?? '')
  return [...new Set(names)].filter(isObjectName)
}

/**
 * What brings a backup back, whether all of it was deleted, some, or nothing: each of its own files to the version that
 * was vouched for, where one was, and otherwise, like each object of the repositories that have its volumes, to the
 * version of the time when it ended. kopia writes down in a repository
 * what Velero strikes off there, so what came later goes away; but not where a younger backup stands on it.
 * @param voucher what was written down of it
 * @returns undefined when there was none of this name whose file can be read
 */
export async function undeletionOf(
  bucket: Bucket,
  past: Past,
  name: string,
  voucher?: Voucher,
): Promise<Undeletion | undefined> {
  const all = await past('backups/')
  const own = byKey(all.filter(({ key }) => key.startsWith(`backups/${name}/`)))
  const known = voucher && (await versionsKnown(bucket, own, name, voucher))
  const nameOf = (key: string) => key.slice(`backups/${name}/`.length)
  const knownFile = known?.get(ownFile(name))
  const file = await readable(bucket, name, knownFile ? [knownFile] : (own.get(ownFile(name)) ?? []))
  if (!file) return undefined
  const end = file.version.at.getTime()
  // Velero writes some of its files right after the one that says that it ended.
  const written = (key: string, one: Version[]) =>
    known && voucher && isVouchedFor(voucher, nameOf(key))
      ? known.get(key)
      : one.find(({ at, isDeletion }) => !isDeletion && at.getTime() <= end + 120_000)
  const files = [
    ...[...own]
      .filter(([key]) => key !== ownFile(name))
      .flatMap(([key, one]) => lost(one, written(key, one))),
    ...(file.version.isLatest ? [] : [file.version]),
  ]
  // What nobody vouched for was not there then.
  const added = [...own].filter(([key, [now]]) => {
    const isLater = known && voucher && !known.has(key) && isVouchedFor(voucher, nameOf(key))
    return isLater && now?.isDeletion === false
  })
  const since = files.map(({ key, id }) => endOf(own.get(key) ?? [], id)).toSorted(byTime)[0]
  const younger = [...byKey(all)].flatMap(([key, [newest]]) => {
    const [, other = ''] = key.split('/')
    const isYounger = key === ownFile(other) && other !== name && newest?.isDeletion === false
    return isYounger && newest.at.getTime() > end ? [other] : []
  })
  const entries = await volumeEntries(seenWith(bucket, { back: files, away: [] }), name).catch(() => [])
  const namespaces = new Set(
    (entries ?? []).filter(({ kept }) => kept === 's3').map(({ claim }) => claim.split('/')[0]),
  )
  const repositories = await Promise.all([...namespaces].map((one) => past(`kopia/${one}/`)))
  const objects = [...byKey(repositories.flat())]
  const there = (one: Version[]) => one.find(({ at }) => at.getTime() <= end)
  const later = objects.filter(([, one]) => one[0]?.isDeletion === false && (there(one)?.isDeletion ?? true))
  return {
    backup: file.content,
    back: [...objects.flatMap(([, one]) => lost(one, there(one))), ...files],
    away: [...added, ...(since && younger.length === 0 ? later : [])].map(([key]) => key),
    younger: later.length > 0 ? younger : [],
    since,
  }
}

/** The version of each file of a backup that was vouched for, by its key; the newest of several. */
async function versionsKnown(
  bucket: Bucket,
  own: ReadonlyMap<string, Version[]>,
  name: string,
  { files }: Voucher,
): Promise<Map<string, Version>> {
  const found = new Map<string, Version>()
  for (const [file, then] of Object.entries(files)) {
    const key = `backups/${name}/${file}`
    const isSame = (one: Version) => isAsThen(one, { ...then, at: new Date(then.at) })
    const [newest, ...others] = (own.get(key) ?? []).filter((one) => !one.isDeletion)
    // However much was written over it: what looks as it did then is asked for before all that must be read.
    const asked = [newest, ...others.filter(isSame), ...others.filter((one) => !isSame(one))]
    for (const version of asked.filter((one) => one !== undefined))
      if (
        isSame(version) ||
        fingerprint(file, (await read(bucket, version)) ?? Buffer.alloc(0)) === then.sha256
      ) {
        found.set(key, version)
        break
      }
  }
  return found
}

/** The same bucket, read as it will be once an undeletion is done. */
export function seenWith(bucket: Bucket, { back, away }: Pick<Undeletion, 'back' | 'away'>): Bucket {
  const versions = new Map(back.map((one) => [one.key, one]))
  const gone = new Set(away)
  return {
    ...bucket,
    get: async (key) => (gone.has(key) ? undefined : bucket.get(key, versions.get(key)?.id)),
    exists: async (key) => !gone.has(key) && (versions.has(key) || bucket.exists(key)),
    list: async (prefix = '') => [
      ...(await bucket.list(prefix)).filter(({ key }) => !gone.has(key) && !versions.has(key)),
      ...back.filter(({ key }) => key.startsWith(prefix)),
    ],
  }
}

/** The newest version of a backup's own file that tells of a backup that ended. */
async function readable(bucket: Bucket, name: string, versions: readonly Version[]) {
  for (const version of versions.filter((one) => !one.isDeletion)) {
    const bytes = await read(bucket, version)
    const { data } = backupFile.safeParse(parseJson(Buffer.from(bytes ?? '').toString()))
    if (data?.metadata.name === name && data.status?.completionTimestamp) return { content: data, version }
  }
  return undefined
}

/** A version's bytes; undefined where somebody made it too large, or locked it: it hides none of the others. */
const read = (bucket: Bucket, { key, id }: Version): Promise<Uint8Array | undefined> =>
  bucket.get(key, id).catch((error: unknown) => {
    if (error instanceof TooLarge || (error instanceof StoreRefusal && error.status === 403)) return undefined
    throw error
  })

/** The version of an object that was there then, where another one, or none, is there now. */
function lost([now]: readonly Version[], then: Version | undefined): Version[] {
  // A copy of what was uploaded in parts may be named otherwise: then it is copied once more, which harms nothing.
  return then && !then.isDeletion && then !== now && (now?.isDeletion || now?.etag !== then.etag)
    ? [then]
    : []
}

/** When another version, or a mark, took a version's place. */
const endOf = (versions: readonly Version[], id: string) =>
  versions[versions.findIndex((one) => one.id === id) - 1]?.at ?? new Date(0)

const byTime = (a: Date, b: Date) => a.getTime() - b.getTime()

function byKey(all: readonly Version[]): Map<string, Version[]> {
  const found = new Map<string, Version[]>()
  for (const one of all) {
    const versions = found.get(one.key)
    if (versions) versions.push(one)
    else found.set(one.key, [one])
  }
  return found
}
