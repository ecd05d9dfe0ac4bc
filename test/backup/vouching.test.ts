import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { ageOf, listBackups } from '../../lib/backup/backups.ts'
import { chooseBackup } from '../../lib/backup/choose.ts'
import { extendExpirations } from '../../lib/backup/expiry.ts'
import { firstThatCounts, lastWhole } from '../../lib/backup/vouch/last.ts'
import { writeVoucher } from '../../lib/backup/vouch/voucher.ts'
import { pinned, vouchersOf, whileUnaltered } from '../../lib/backup/vouch/vouching.ts'
import { type Living, witness } from '../../lib/backup/vouch/witness.ts'
import { TooLarge } from '../../lib/clients/object-sizes.ts'
import type { Bucket } from '../../lib/clients/s3.ts'
import { bucketWith, clusterWith } from './bucket.ts'

// Who vouches for a backup, of constructed buckets: a store that gives time and ETag as S3 does, and a cluster's word.

const ended = Date.parse('2026-11-23T03:05:00Z')
/** A minute after its end. */
let clock = ended + 60_000

interface Kept {
  bytes: Buffer
  at: Date
  etag: string | undefined
}

/** A store in memory: whoever writes chooses neither the time nor the ETag. */
function storeOf(name: string, tags = true): Bucket & { files: Map<string, Kept> } {
  const files = new Map<string, Kept>()
  const bucket: Partial<Bucket> = {
    name,
    get: async (key) => files.get(key)?.bytes,
    put: async (key, body) => {
      const bytes = Buffer.from(body as Uint8Array)
      const etag = tags ? `"${createHash('md5').update(bytes).digest('hex')}"` : undefined
      files.set(key, { bytes, at: new Date(clock), etag })
    },
    remove: async (key) => void files.delete(key),
    list: async (prefix = '') =>
      [...files]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, { bytes, at, etag }]) => ({ key, size: bytes.length, at, ...(etag ? { etag } : {}) })),
  }
  return Object.assign(bucket as Bucket, { files })
}

const uid = '11111111-2222-4333-8444-555555555555'
const times = { startTimestamp: '2026-11-23T03:00:00Z', completionTimestamp: '2026-11-23T03:05:00Z' }
const living = (name: string, its = uid, more: object = {}): Living => [
  { metadata: { name, uid: its }, status: { phase: 'Completed', ...times, ...more } },
]

/** Backups as a cluster made them, each with the UID that it gave, and the bucket of a kit without a word of them. */
async function world(names: string[] = ['daily'], tags = true) {
  clock = ended + 60_000
  const velero = storeOf('velero', tags)
  const expiration = '2026-12-23T03:00:00Z'
  const made = await bucketWith(
    Object.fromEntries(names.map((name) => [name, { status: { ...times, expiration } }])),
  )
  for (const { key } of await made.list()) {
    const bytes = Buffer.from((await made.get(key)) ?? '')
    if (!key.endsWith('velero-backup.json')) await velero.put(key, bytes)
    else {
      const file = JSON.parse(bytes.toString())
      await velero.put(key, JSON.stringify({ ...file, metadata: { ...file.metadata, uid } }))
    }
  }
  const kit = storeOf('kit')
  const ask = (all: Living | string) =>
    witness(
      velero,
      async () => all,
      () => new Date(clock),
    )
  const vouch = async (name = 'daily') => {
    const seen = await ask(living(name))(name)
    if (typeof seen === 'string') throw new Error(seen)
    await writeVoucher(kit, seen.voucher)
    clock += 3600_000
  }
  return {
    velero,
    kit,
    ask,
    vouch,
    vouchers: (all?: Living | string) => vouchersOf(velero, kit, all === undefined ? undefined : ask(all)),
  }
}
const file = (name: string, of = 'daily') => `backups/${of}/${name}`

t.test(
  'the cluster vouches for what it began itself, and for nothing that Velero found in the bucket',
  async (t) => {
    const { ask, velero } = await world()
    t.match(await ask(living('daily'))('daily'), { voucher: { backup: 'daily', uid } })
    for (const [all, why] of [
      [living('daily', 'another'), 'it was not made by the cluster that is there now'],
      [living('other'), 'the cluster knows of no such backup'],
      [living('daily', uid, { phase: 'InProgress' }), 'it is InProgress in the cluster'],
      [living('daily', uid, { completionTimestamp: undefined }), /ended at no time$/],
      ['the API does not answer', 'the API does not answer'],
    ] as const)
      t.match(await ask(all)('daily'), why)
    await velero.put(file('velero-backup.json'), '{"metadata":{"name":"daily"}}')
    t.equal(await ask(living('daily'))('daily'), 'it was not made by the cluster that is there now')
  },
)

t.test('a file that was written long before or after is not of that backup', async (t) => {
  for (const at of [ended + 121_000, Date.parse('2026-11-23T02:57:00Z')]) {
    const { ask, velero } = await world()
    clock = at
    await velero.put(file('daily.tar.gz'), (await velero.get(file('daily.tar.gz'))) ?? '')
    t.match(await ask(living('daily'))('daily'), /^daily.tar.gz was written at /)
  }
})

t.test('a file that is written while it is looked at is not vouched for', async (t) => {
  const { velero } = await world()
  const racing: Bucket = {
    ...velero,
    get: async (key) => {
      const bytes = await velero.get(key)
      clock += 1000
      if (key.endsWith('.tar.gz')) await velero.put(key, 'evil')
      return bytes
    },
  }
  const seen = await witness(
    racing,
    async () => living('daily'),
    () => new Date(clock),
  )('daily')
  t.equal(seen, 'it was written to just now')
})

t.test('what was written down is compared, file by file', async (t) => {
  const changes: Record<string, [(velero: Bucket) => Promise<void>, string | RegExp]> = {
    tarball: [
      (one) => one.put(file('daily.tar.gz'), gzipSync('evil')),
      /^daily.tar.gz is another one since 2026-11-23T04:06:00Z$/,
    ],
    description: [
      (one) =>
        one.put(
          file('velero-backup.json'),
          `{"metadata":{"name":"daily","uid":"${uid}"},"status":{"phase":"Completed"}}`,
        ),
      /^velero-backup.json is another one/,
    ],
    volumes: [
      (one) => one.put(file('daily-volumeinfo.json.gz'), gzipSync('[]')),
      /^daily-volumeinfo.json.gz is another one/,
    ],
    gone: [(one) => one.remove(file('daily-resource-list.json.gz')), 'daily-resource-list.json.gz is gone'],
    more: [
      (one) => one.put(file('daily-podvolumebackups.json.gz'), ''),
      'daily-podvolumebackups.json.gz came later',
    ],
    named: [(one) => one.put(file('constructor'), ''), 'constructor came later'],
  }
  for (const tags of [true, false])
    for (const [what, [act, why]] of Object.entries(changes)) {
      const { velero, vouch, vouchers } = await world(['daily'], tags)
      t.match(await vouchers().look('daily'), { state: 'not vouched for' }, what)
      await vouch()
      t.match(await vouchers().look('daily'), { state: 'vouched for' })
      t.match((await vouchers().swear('daily')).vouching, { state: 'vouched for' })
      await act(velero)
      t.match(await vouchers().look('daily'), { state: 'altered', why })
      t.match(
        (await vouchers(living('daily')).swear('daily')).vouching,
        { state: 'altered', why },
        'whatever the cluster says',
      )
    }
})

t.test('only what does not look as it did is read', async (t) => {
  const { velero, kit, vouch } = await world()
  await vouch()
  const read: string[] = []
  const counted: Bucket = {
    ...velero,
    get: async (key) => {
      read.push(key)
      return velero.get(key)
    },
  }
  t.match(await vouchersOf(counted, kit).look('daily'), { state: 'vouched for' })
  t.same(read, [])
  // A bucket that was moved, or what was brought back: the time is another, the bytes are the same.
  await velero.put(file('daily.tar.gz'), (await velero.get(file('daily.tar.gz'))) ?? '')
  t.match(await vouchersOf(counted, kit).look('daily'), { state: 'vouched for' })
  t.same(read, [file('daily.tar.gz')])
})

t.test('Velero’s list of errors is for people', async (t) => {
  const { velero, vouch, vouchers } = await world()
  await vouch()
  await velero.put(file('daily-results.gz'), 'more')
  t.match(await vouchers().look('daily'), { state: 'vouched for' })
})

t.test('Velero’s log says which kinds it looked for: it is as it was', async (t) => {
  const { velero, kit, vouch, vouchers } = await world()
  await velero.put(file('daily-logs.gz'), 'what it looked for')
  await vouch()
  t.match(await vouchers().look('daily'), { state: 'vouched for' })
  await velero.put(file('daily-logs.gz'), 'that it looked for more')
  t.match(await vouchers().look('daily'), { state: 'altered', why: /^daily-logs.gz is another one/ })
  t.match((await vouchers().swear('daily')).vouching, { state: 'altered' })
  // An earlier regrow wrote nothing down of it.
  const key = 'vouched/daily.json'
  const { sum: _, ...voucher } = JSON.parse(String(await kit.get(key))) as { sum: string; files: object }
  await kit.put(key, JSON.stringify({ ...voucher, files: { ...voucher.files, 'daily-logs.gz': undefined } }))
  t.match(await vouchers().look('daily'), { state: 'vouched for' })
})

t.test('a backup that was deleted and taken again under its name is another one', async (t) => {
  const { velero, vouch, vouchers } = await world()
  await vouch()
  const again = '99999999-2222-4333-8444-555555555555'
  const text = String(await velero.get(file('velero-backup.json')))
  clock = ended
  await velero.put(file('velero-backup.json'), text.replace(uid, again))
  t.match((await vouchers(living('daily', again)).swear('daily')).vouching, { state: 'vouched for' })
  t.match((await vouchers().swear('daily')).vouching, { state: 'altered' })
})

t.test('a restore keeps it longer, and it is still vouched for', async (t) => {
  const { velero, vouch, vouchers } = await world()
  await vouch()
  const wanted = { backups: { keepDays: 30 } }
  const cluster = { ...clusterWith(), wanted } as unknown as Parameters<typeof extendExpirations>[0]
  Object.assign(cluster.cloud, { clockOffset: () => Date.parse('2026-12-22T03:00:00Z') - Date.now() })
  t.match(await extendExpirations(cluster, velero, 'daily'), [
    { backup: 'daily', from: '2026-12-23T03:00:00Z' },
  ])
  const text = String(await velero.get(file('velero-backup.json')))
  t.match(JSON.parse(text).status.expiration, /^2027-01-2/)
  t.match(await vouchers().look('daily'), { state: 'vouched for' })
  await velero.put(file('velero-backup.json'), text.replace('"expiration":"', '"expiration":"x'))
  t.match(await vouchers().look('daily'), { state: 'altered' }, 'a time and nothing else')
})

t.test('what is no voucher vouches for nothing', async (t) => {
  const { kit, vouch, vouchers } = await world(['daily', 'copy'])
  await vouch()
  const good = (await kit.get('vouched/daily.json')) ?? ''
  await kit.put('vouched/copy.json', good)
  t.match(await vouchers().look('copy'), { state: 'not vouched for' }, 'of another backup')
  for (const text of ['', '{', '{}', `${good}${' '.repeat(70_000)}`]) {
    await kit.put('vouched/daily.json', text)
    t.match(await vouchers().look('daily'), { state: 'not vouched for' })
  }
})

t.test('latest is the newest whole one that somebody vouches for, where that is asked', async (t) => {
  const { velero, vouch, vouchers } = await world(['daily', 'evil'])
  const text = String(await velero.get(file('velero-backup.json', 'evil')))
  await velero.put(file('velero-backup.json', 'evil'), text.replace('T03:00:00Z', 'T09:00:00Z'))
  await vouch()
  const choose = (
    wish: string,
    vouched: boolean,
    all: Living | string = 'no cluster runs that could say so',
  ) => chooseBackup(velero, wish, clusterWith(), { vouchers: vouchers(all), vouched })
  t.match(await choose('latest', true), {
    metadata: { name: 'daily' },
    passedOver: ['evil: not vouched for: no cluster runs that could say so'],
  })
  t.match(await choose('latest', false), {
    metadata: { name: 'evil' },
    vouching: { state: 'not vouched for' },
  })
  await t.rejects(choose('evil', true), { message: /^no run of regrow vouches for the backup:\n {4}evil: / })
  t.match(await choose('evil', false), { metadata: { name: 'evil' } })
  await velero.put(file('daily.tar.gz'), gzipSync('evil'))
  await t.rejects(choose('latest', true), {
    message: /^no run of regrow vouches for a whole backup:\n {4}evil: .*\n {4}daily: altered: /,
  })
  await t.rejects(choose('daily', false), {
    message: /^backup daily was altered since it was vouched for: daily.tar.gz/,
  })
})

t.test(
  'a backup that somebody forged does not count as the last one, where the cluster can be asked',
  async (t) => {
    const { velero, kit, ask, vouch } = await world(['daily', 'evil', 'nightly'])
    const later = async (name: string, hour: string) => {
      const text = String(await velero.get(file('velero-backup.json', name)))
      await velero.put(file('velero-backup.json', name), text.replace('T03:00:00Z', `T${hour}:00:00Z`))
    }
    await later('evil', '09')
    await vouch()
    const buckets = { velero, kit }
    const cluster = clusterWith()
    const all = await listBackups(velero, cluster)
    t.same(
      all.map(({ metadata }) => metadata.name),
      ['evil', 'daily', 'nightly'],
    )
    const known = {
      ...(living('daily')[0] as Living[number]),
      metadata: { name: 'evil', uid: 'given-by-the-API' },
    }
    for (const [cluster, why] of [
      [living('daily'), 'the cluster knows of no such backup'],
      [[...living('daily'), known], 'it was not made by the cluster that is there now'],
    ] satisfies [Living, string][])
      t.match(await firstThatCounts(all, buckets, ask(cluster)), {
        found: { metadata: { name: 'daily' }, vouching: { state: 'vouched for' } },
        passedOver: [
          new RegExp(`^backup evil does not count, it is not vouched for: (${why}|evil.* was written at )`),
        ],
      })
    const alone = await lastWhole(buckets, cluster)
    t.match(alone, { metadata: { name: 'evil' }, vouching: { state: 'not vouched for' } })
    t.match(ageOf(alone, cluster), /^evil, .* old, not vouched for$/, 'nobody is asked, and it is told')
    await velero.put(file('daily.tar.gz'), gzipSync('evil'))
    const { found, passedOver } = await firstThatCounts(all, buckets, ask(living('daily')))
    t.equal(found, undefined)
    const altered = all.filter(({ metadata }) => metadata.name === 'daily')
    t.equal((await firstThatCounts(altered, buckets)).found, undefined, 'whoever is asked')
    t.match(passedOver, [
      /^backup evil/,
      /^backup daily does not count, it is altered: daily.tar.gz/,
      /^backup nightly/,
    ])
    const flood = Array.from({ length: 300 }, (_, n) => ({ metadata: { name: `evil-${n}` } }))
    t.equal((await firstThatCounts(flood, buckets, ask(living('daily')))).passedOver.length, 100)
  },
)

t.test('what was chosen is what is read from then on', async (t) => {
  const { velero, vouchers } = await world()
  const { prints } = await vouchers().swear('daily')
  const chosen = pinned(velero, 'daily', prints)
  t.ok(await chosen.get(file('daily.tar.gz')))
  await velero.put(file('daily.tar.gz'), gzipSync('evil'))
  await t.rejects(async () => chosen.get(file('daily.tar.gz')), {
    message: /daily.tar.gz is another one than a moment ago/,
  })
})

t.test('Velero reads it between two looks, and nothing is written meanwhile, not even back', async (t) => {
  const { velero, vouchers } = await world()
  const { prints } = await vouchers().swear('daily')
  const chosen = { metadata: { name: 'daily' }, prints }
  t.equal(await whileUnaltered(velero, chosen, async () => 7), 7)
  const good = (await velero.get(file('daily.tar.gz'))) ?? ''
  const swap = async () => {
    clock += 5000
    await velero.put(file('daily.tar.gz'), gzipSync('evil'))
    await velero.put(file('daily.tar.gz'), good)
  }
  await t.rejects(whileUnaltered(velero, chosen, swap), { message: /daily.tar.gz while it was restored/ })
  await velero.put(file('daily.tar.gz'), gzipSync('evil'))
  await t.rejects(
    whileUnaltered(velero, chosen, async () => t.fail('it was not to begin')),
    { message: /daily.tar.gz since it was chosen/ },
  )
})

t.test(
  'a file that cannot be read, and a folder full of files, hide nothing and come back nowhere',
  async (t) => {
    const { velero, kit, vouch } = await world(['daily', 'huge'])
    await vouch()
    const locked: Bucket = {
      ...velero,
      get: async (key) => {
        if (key.endsWith('huge.tar.gz')) throw new TooLarge(key, 1024 ** 2)
        return velero.get(key)
      },
    }
    const both = vouchersOf(locked, kit)
    t.match(await both.look('huge'), { state: 'not vouched for' })
    t.match((await both.swear('daily')).vouching, { state: 'vouched for' })
    t.equal(
      await witness(
        locked,
        async () => living('huge'),
        () => new Date(clock),
      )('huge'),
      'a file of it cannot be read',
    )
    const choice = { vouchers: both }
    await t.rejects(chooseBackup(locked, 'huge', clusterWith(), choice), {
      message: /^backup huge is failed:/,
    })
    t.match(await chooseBackup(locked, 'latest', clusterWith(), choice), { metadata: { name: 'daily' } })
    for (let n = 0; n < 21; n++) await velero.put(file(`${n}`, 'huge'), '')
    t.equal((await vouchersOf(velero, kit).swear('huge')).prints.size, 0, 'none of them is read')
    await velero.put(file('huge.tar.gz'), '')
    for (let n = 0; n < 21; n++) await velero.put(file(`${n}`), '')
    t.match((await vouchersOf(velero, kit).swear('daily')).vouching, { state: 'altered' })
  },
)

t.test('of a thousand alterations of any object none is overlooked', async (t) => {
  const { velero, vouch, vouchers } = await world()
  await vouch()
  const keys = [...velero.files.keys()].filter((key) => key.startsWith('backups/'))
  const alteration = fc.record({
    key: fc.constantFrom(...keys),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    how: fc.constantFrom('flip', 'cut', 'add', 'empty', 'remove'),
    byte: fc.integer({ min: 1, max: 255 }),
  })
  const alter = (bytes: Buffer, { at, how, byte }: { at: number; how: string; byte: number }) => {
    const place = Math.floor(at * bytes.length)
    if (how === 'cut') return bytes.subarray(0, place)
    if (how === 'add')
      return Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(place)])
    if (how === 'empty') return Buffer.alloc(0)
    const flipped = Buffer.from(bytes)
    flipped[place] = (flipped[place] ?? 0) ^ byte
    return flipped
  }
  // Until when it is kept a restore itself changes.
  const unkept = (bytes: Buffer) => bytes.toString('latin1').replace(/"expiration":"[0-9TZ:.+-]*"/, '')
  const judged = async (one: { key: string; at: number; how: string; byte: number }) => {
    const before = velero.files.get(one.key)
    const bytes = before?.bytes ?? Buffer.alloc(0)
    const altered = alter(bytes, one)
    if (one.how === 'remove') await velero.remove(one.key)
    else await velero.put(one.key, altered)
    const states = [(await vouchers().look('daily')).state, (await vouchers().swear('daily')).vouching.state]
    if (before) velero.files.set(one.key, before)
    const isSame = one.how !== 'remove' && (altered.equals(bytes) || unkept(altered) === unkept(bytes))
    return states.every((state) => state === (isSame ? 'vouched for' : 'altered'))
  }
  await fc.assert(fc.asyncProperty(alteration, judged), { numRuns: 1000, seed: 17 })
  t.match(await vouchers().look('daily'), { state: 'vouched for' })
})
