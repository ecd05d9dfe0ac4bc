import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { Storage } from '../../sandbox/spaces/storage.ts'
import { Random } from '../hostile/fuzz/random.ts'

// What can become of one object of a cluster's two SIMULATED buckets.

/** One object, under a name that is the same in every world. */
export interface Stored {
  use: 'velero' | 'kit'
  bucket: string
  key: string
  name: string
}

/** The ways in which an object is altered; all but `rotten` are written as anybody with a key would write. */
export const alterations = [
  'flipped',
  // Where it lies: the store goes on saying what it said of size, time and ETag.
  'rotten',
  'cut short',
  'emptied',
  'another',
  'longer',
  'gone',
] as const
export type Alteration = (typeof alterations)[number]

const storageOf = (home: string) => new Storage(join(home, 'spaces'))

/** Every object of both buckets of cluster `main`. @param home the world's folder */
export function stored(home: string): Stored[] {
  const storage = storageOf(home)
  return (['velero', 'kit'] as const).flatMap((use) => {
    const bucket = readdirSync(join(home, 'spaces')).find(
      (name) => new RegExp(`^regrow-main-[0-9a-f]{10}-${use}$`).test(name) && !name.includes('-0123456789-'),
    )
    if (bucket === undefined) throw new Error(`there is no bucket for ${use}`)
    const written = (key: string) => storage.meta(bucket, key)?.at ?? ''
    const keys = storage.keys(bucket).toSorted((a, b) => (written(a) < written(b) ? -1 : 1))
    const seen = new Map<string, number>()
    return keys.map((key) => {
      // Ids of snapshots and digests are another world's.
      const plain = key.replace(/simulated-.*/, '*').replace(/\/[0-9a-f]{64}$/, '')
      const nth = (seen.get(plain) ?? 0) + 1
      seen.set(plain, nth)
      return { use, bucket, key, name: `${use} ${plain}${plain.includes('*') ? ` #${nth}` : ''}` }
    })
  })
}

/** Alters one object; where and to what is drawn from `seed`. @throws Error where it would stay as it is */
export function alter(home: string, { bucket, key }: Stored, how: Alteration, seed: string): void {
  const storage = storageOf(home)
  const random = new Random(createHash('sha256').update(seed).digest().readUInt32BE())
  const bytes = storage.bytes(bucket, key)
  const meta = storage.meta(bucket, key)
  if (!meta) throw new Error(`there is no ${key}`)
  const flipped = () => {
    const at = random.below(bytes.length)
    return Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ (1 << random.below(8)) : byte)))
  }
  if (how === 'gone') return void storage.remove(bucket, key)
  if (how === 'rotten') return void storage.restore(bucket, key, flipped(), meta)
  const others = storage
    .keys(bucket)
    .map((one) => storage.bytes(bucket, one))
    .filter((one) => !one.equals(bytes))
  const now = {
    flipped,
    'cut short': () => bytes.subarray(0, random.below(bytes.length)),
    emptied: () => Buffer.alloc(0),
    another: () => random.pick(others),
    longer: () =>
      Buffer.concat([
        bytes,
        Buffer.from(Array.from({ length: 1 + random.below(200) }, () => random.below(256))),
      ]),
  }[how]()
  if (now.equals(bytes)) throw new Error(`${key} would stay as it is`)
  storage.put(bucket, key, now, meta.headers)
}

const entries = z.array(
  z.looseObject({
    snapshotDataMovementInfo: z.looseObject({ snapshotHandle: z.string() }).optional(),
  }),
)

/** Names of all objects on which a backup stands: what Velero or regrow believes of it, and the bytes of its volumes. */
export function standsOn(home: string, backup: string): string[] {
  const storage = storageOf(home)
  const all = stored(home).filter(({ use }) => use === 'velero')
  const infos = all.find(({ key }) => key === `backups/${backup}/${backup}-volumeinfo.json.gz`)
  const moved = infos
    ? entries
        .parse(JSON.parse(gunzipSync(storage.bytes(infos.bucket, infos.key)).toString()))
        .map((one) => one.snapshotDataMovementInfo?.snapshotHandle)
    : []
  const isIts = ({ key }: Stored) =>
    (key.startsWith(`backups/${backup}/`) && !/-(logs|results)\.gz$/.test(key)) || moved.includes(key)
  return all.filter(isIts).map(({ name }) => name)
}

/** All that an object says but until when a backup is kept, which every restore extends. */
export function contentOf(home: string, { bucket, key }: Stored): string {
  const storage = storageOf(home)
  if (!storage.meta(bucket, key)) return 'gone'
  return storage
    .bytes(bucket, key)
    .toString('latin1')
    .replace(/("expiration":\s*")[0-9TZ:.+-]*"/g, '$1"')
}
