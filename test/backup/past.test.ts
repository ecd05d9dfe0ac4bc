import t from 'tap'
import { deletedBackups } from '../../lib/backup/deleted.ts'
import { namesIn, pastOf, seenWith, undeletionOf } from '../../lib/backup/past.ts'
import { fingerprint } from '../../lib/backup/vouch/voucher.ts'
import { TooLarge } from '../../lib/clients/object-sizes.ts'
import { type Bucket, StoreRefusal, type Version } from '../../lib/clients/s3.ts'
import { bucketWith, clusterWith, moved } from './bucket.ts'

// What brings a deleted backup back, of constructed histories of a bucket.

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 3, minute))

/** What happened to a key: the minute, and what was written then; undefined where it was deleted. */
type History = Record<string, [number, string | undefined][]>

/** A bucket with this history, as a store that keeps versions shows it; backup `b` has its own files of minute 1. */
async function bucketOf(history: History, backups = ['b']): Promise<Bucket> {
  const status = { completionTimestamp: '2026-11-23T03:01:00Z' }
  const made = await bucketWith(
    Object.fromEntries(backups.map((name) => [name, { status, volumes: [moved('shop', 'db')] }])),
    [],
  )
  const all: (Version & { bytes: Uint8Array | undefined })[] = []
  const write = (key: string, events: [number, string | Uint8Array | undefined][]) => {
    const versions = events.map(([minute, content], index) => {
      const bytes = content === undefined ? undefined : Buffer.from(content)
      const etag = bytes ? `etag of ${bytes.toString('base64')}` : ''
      return {
        key,
        id: String(index),
        at: at(minute),
        etag,
        bytes,
        size: bytes?.length ?? 0,
        isDeletion: !bytes,
        isLatest: index === events.length - 1,
      }
    })
    all.push(...versions.toReversed())
  }
  for (const { key } of await made.list('backups/')) {
    const [first] = [await made.get(key)]
    const minute = key.startsWith('backups/b/') ? 1 : 30
    write(key, [[minute, first], ...(history[key] ?? [])])
  }
  for (const [key, events] of Object.entries(history)) if (key.startsWith('kopia/')) write(key, events)
  const now = () => all.filter((one) => one.isLatest && !one.isDeletion)
  return {
    ...made,
    name: 'kept',
    versions: async (prefix = '') => all.filter(({ key }) => key.startsWith(prefix)),
    list: async (prefix = '') => now().filter(({ key }) => key.startsWith(prefix)),
    exists: async (key) => now().some((one) => one.key === key),
    get: async (key, id) =>
      (id === undefined ? now() : all).find((one) => one.key === key && (id === undefined || one.id === id))
        ?.bytes,
  }
}

const find = async (history: History, backups?: string[]) => {
  const bucket = await bucketOf(history, backups)
  const found = await undeletionOf(bucket, pastOf(bucket), 'b')
  return { bucket, found, back: found?.back.map(({ key, id }) => `${key}@${id}`), away: found?.away }
}
const own = ['b-resource-list.json.gz', 'b-volumeinfo.json.gz', 'b.tar.gz', 'velero-backup.json'].map(
  (file) => `backups/b/${file}`,
)
const all = (minute: number): History => Object.fromEntries(own.map((key) => [key, [[minute, undefined]]]))

t.test('of a backup that is there nothing is brought back', async (t) => {
  const { back, away, found } = await find({ 'kopia/shop/p1': [[0, 'p']] })
  t.same([back, away, found?.since], [[], [], undefined])
})

t.test('what was deleted right after it ended comes back, its own file last', async (t) => {
  const { back, bucket, found } = await find({
    ...all(2),
    'kopia/shop/p1': [
      [0, 'p'],
      [2, undefined],
    ],
  })
  t.same(back?.toSorted(), ['kopia/shop/p1@0', ...own.map((key) => `${key}@0`)].toSorted())
  t.match(back?.at(-1), 'backups/b/velero-backup.json')
  t.same(found?.since, at(2))
  t.same(await bucket.list(), [])
  const seen = seenWith(bucket, { back: found?.back ?? [], away: [] })
  t.same(
    (await seen.list('kopia/shop/')).map(({ key }) => key),
    ['kopia/shop/p1'],
  )
  t.equal(Buffer.from((await seen.get('kopia/shop/p1')) ?? '').toString(), 'p')
  t.ok(await seen.exists('backups/b/b.tar.gz'))
  t.match(await deletedBackups({ velero: bucket }, clusterWith(), 30), [
    { name: 'b', wholeness: 'whole', deleted: at(2).toISOString(), until: '2026-12-23T03:02:00.000Z' },
  ])
})

t.test('what was overwritten later comes back as it was then', async (t) => {
  const { back } = await find({
    'backups/b/velero-backup.json': [[20, 'rubbish']],
    'backups/b/b.tar.gz': [[20, 'rubbish']],
    'kopia/shop/p1': [
      [0, 'p'],
      [20, 'rubbish'],
    ],
  })
  t.same(back, ['kopia/shop/p1@0', 'backups/b/b.tar.gz@0', 'backups/b/velero-backup.json@0'])
})

t.test('an undeletion that was killed goes on with what is left', async (t) => {
  const { back } = await find({
    ...all(20),
    'backups/b/b.tar.gz': [
      [20, undefined],
      [25, undefined],
    ],
    'kopia/shop/p1': [
      [0, 'p'],
      [20, undefined],
      [21, 'p'],
    ],
  })
  t.notMatch(back, ['kopia/shop/p1@0'])
  t.equal(back?.length, 4)
})

t.test('what came later goes away, but not where a younger backup stands on it', async (t) => {
  const later: History = {
    ...all(20),
    'kopia/shop/p1': [
      [0, 'p'],
      [20, undefined],
    ],
    'kopia/shop/q2': [[19, 'struck off']],
  }
  t.same((await find(later)).away, ['kopia/shop/q2'])
  const beside = await find(later, ['b', 'younger'])
  t.same([beside.away, beside.found?.younger], [[], ['younger']])
  t.match(beside.back, ['kopia/shop/p1@0'])
})

t.test('of a backup that never ended, or that nobody knows, there is nothing', async (t) => {
  const bucket = await bucketOf(all(2))
  t.equal(await undeletionOf(bucket, pastOf(bucket), 'nobody'), undefined)
  t.same(await namesIn(pastOf(bucket)), ['b'])
})

t.test('what kopia cleared up makes no deleted backup; bytes that are all gone do', async (t) => {
  const cleared = await bucketOf({
    'kopia/shop/p1': [[0, 'p']],
    'kopia/shop/x1': [
      [0, 'old index'],
      [20, undefined],
    ],
  })
  t.same(await deletedBackups({ velero: cleared }, clusterWith(), 30), [])
  const emptied = await bucketOf({
    'kopia/shop/p1': [
      [0, 'p'],
      [20, undefined],
    ],
  })
  t.match(await deletedBackups({ velero: emptied }, clusterWith(), 30), [
    { name: 'b', wholeness: 'whole', until: undefined },
  ])
})

t.test('what was written over a file too large to be read, or locked, does not keep it away', async (t) => {
  const later = (minute: number): [number, string][] => [
    [minute, 'too large'],
    [minute + 1, 'locked'],
  ]
  const plain = await bucketOf({
    ...Object.fromEntries(own.map((key) => [key, later(20)])),
    'kopia/shop/p1': [[0, 'p']],
  })
  const reads: string[] = []
  const bucket: Bucket = {
    ...plain,
    get: async (key, id) => {
      reads.push(`${key}@${id}`)
      const text = Buffer.from((await plain.get(key, id)) ?? '').toString()
      if (text === 'too large') throw new TooLarge(key, 1024 ** 2)
      if (text === 'locked') throw new StoreRefusal(`read ${key}`, 403, 'AccessDenied', undefined)
      return plain.get(key, id)
    },
  }
  const back = own.map((key) => `${key}@0`).toSorted()
  const found = await undeletionOf(bucket, pastOf(bucket), 'b')
  t.same(found?.back.map(({ key, id }) => `${key}@${id}`).toSorted(), back, 'nobody vouched for it')
  const files = await Promise.all(
    own.map(async (key) => {
      const file = key.replace('backups/b/', '')
      const bytes = (await plain.get(key, '0')) ?? Buffer.alloc(0)
      const etag = `etag of ${Buffer.from(bytes).toString('base64')}`
      const then = { sha256: fingerprint(file, bytes), size: bytes.length, at: at(1).toISOString(), etag }
      return [file, then] as const
    }),
  )
  const voucher = { backup: 'b', uid: 'u', at: at(2).toISOString(), files: Object.fromEntries(files) }
  reads.length = 0
  const vouched = await undeletionOf(bucket, pastOf(bucket), 'b', voucher)
  t.same(vouched?.back.map(({ key, id }) => `${key}@${id}`).toSorted(), back)
  t.notOk(reads.includes('backups/b/b.tar.gz@1'), 'of what was written over it only the newest is read')
  t.match(await deletedBackups({ velero: bucket }, clusterWith(), 30), [{ name: 'b', wholeness: 'whole' }])
})
