import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { listBackups } from '../../lib/backup/backups.ts'
import { chooseBackup } from '../../lib/backup/choose.ts'
import { copiesIn } from '../../lib/backup/copies.ts'
import { lastWhole } from '../../lib/backup/vouch/last.ts'
import { reasonsOf } from '../../lib/backup/whole.ts'
import { TooLarge } from '../../lib/clients/object-sizes.ts'
import type { Bucket } from '../../lib/clients/s3.ts'
import { recordText } from '../../lib/store/records.ts'
import { bucketWith, clusterWith, moved } from '../backup/bucket.ts'
import { openTestBox } from '../flows/box.ts'
import { attempt } from '../input/attempt.ts'
import { evil, obeyed, spacesOf, tarball } from './ground.ts'

// Backups that are forged or damaged, beside good ones: each is named, with its reason, and none hides the good ones or is the
// latest. The second half meets a SIMULATED world.

t.setTimeout(300_000)
const box = await openTestBox(t)
const grown = await box.run('bootstrap.mts', ['--yes'])
t.equal(grown.code, 0, grown.err)
const { storage, velero, kit } = spacesOf(box)

/** A bucket in which these keys are otherwise; an error is what the store answers. */
function altered(bucket: Bucket, files: Record<string, string | Uint8Array | Error>): Bucket {
  return {
    ...bucket,
    list: async (prefix = '') => [
      ...(await bucket.list(prefix)),
      ...Object.keys(files)
        .filter((key) => key.startsWith(prefix))
        .map((key) => ({ key, size: 1, at: new Date(0) })),
    ],
    get: async (key) => {
      const found = files[key]
      if (found instanceof Error) throw found
      return found === undefined ? bucket.get(key) : Buffer.from(found)
    },
  }
}

const file = (name: string, status: object = {}, more: object = {}) =>
  JSON.stringify({
    metadata: { name },
    status: { phase: 'Completed', startTimestamp: '2026-11-29T03:00:00Z', ...status },
    ...more,
  })

t.test('what a backup says of itself is believed only where it can be', async (t) => {
  const good = await bucketWith({
    nightly: {},
    'no-objects': { objects: null },
    'no-gzip': { volumes: 'not gzip at all' },
    'no-list': { list: 'not gzip at all' },
    'no-volumes': { volumes: [{ pvcName: '--all', pvcNamespace: 'shop' }] },
    'no-namespace': { volumes: [{ pvcName: 'db', pvcNamespace: '*' }] },
  })
  const bucket = altered(good, {
    'backups/zzz/velero-backup.json': file('forged-by-mallory', { startTimestamp: '2099-01-01T00:00:00Z' }),
    'backups/future/velero-backup.json': file('future', { startTimestamp: '2099-01-01T00:00:00Z' }),
    'backups/soon/velero-backup.json': file('soon', { startTimestamp: '2026-11-30T00:11:00Z' }),
    'backups/never/velero-backup.json': file('never', { startTimestamp: 'never' }),
    'backups/--all/velero-backup.json': file('--all'),
    [`backups/${evil}/velero-backup.json`]: file(evil),
    'backups/../velero-backup.json': file('..'),
    'backups//velero-backup.json': file(''),
    'backups/deep/velero-backup.json': `{"metadata":{"name":"deep"},"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
    'backups/none/velero-backup.json': 'null',
    'backups/large/velero-backup.json': new TooLarge('kept/backups/large/velero-backup.json', 1024 ** 2),
    'backups/nightly/more/velero-backup.json': file('nightly', { startTimestamp: '2026-11-29T23:00:00Z' }),
  })
  const cluster = clusterWith()
  const all = await listBackups(bucket, cluster)
  const said = Object.fromEntries(all.map((one) => [one.metadata.name, reasonsOf(one).join('; ')]))
  t.match(said, {
    nightly: '',
    'no-objects': /no-objects.tar.gz is missing/,
    'no-gzip': /no-gzip-volumeinfo.json.gz cannot be read: it is not packed with gzip, or damaged/,
    'no-list': /no-list-resource-list.json.gz cannot be read: it is not packed with gzip/,
    'no-volumes': /cannot be read: it is no list of volumes \(0.pvcName: is no name\)/,
    'no-namespace': /cannot be read: it is no list of volumes \(0.pvcNamespace: is no name of a namespace\)/,
    zzz: 'its velero-backup.json is that of “forged-by-mallory”',
    future: /it says that it began at 2099-01-01T00:00:00Z, which is yet to come/,
    soon: /which is yet to come/,
    never: 'the time at which it began is no time',
    '--all': 'its name is none that a backup can have',
    [evil]: 'its name is none that a backup can have',
    '..': 'its name is none that a backup can have',
    '': 'its name is none that a backup can have',
    deep: 'its velero-backup.json cannot be read',
    none: 'its velero-backup.json cannot be read',
    large: /large\/velero-backup.json has more than 1 MiB/,
  })
  t.equal(all.length, 17)
  t.same(
    all.filter(({ wholeness }) => wholeness.state === 'whole').map(({ metadata }) => metadata.name),
    ['nightly'],
  )
  t.equal((await lastWhole({ velero: bucket, kit: bucket }, cluster))?.metadata.name, 'nightly')
  t.equal((await chooseBackup(bucket, 'latest', cluster)).metadata.name, 'nightly')
  const own = { volumes: [{ name: 'photos', id: 'v-1' }] } as never
  t.same([...(await copiesIn(bucket, cluster, own)).volumes], [], 'nothing is held by what cannot be read')
})

t.test('a volume that a person named is held by no backup whose objects cannot be read', async (t) => {
  const good = await bucketWith({
    nightly: { volumes: [moved('shop', 'db', 'photos'), moved('shop', 'db')] },
  })
  const bucket = altered(good, { 'backups/nightly/nightly.tar.gz': 'not gzip at all' })
  const own = { volumes: [{ name: 'photos', id: 'v-1' }] } as never
  t.same([...(await copiesIn(bucket, clusterWith(), own)).volumes], [])
})

/** Runs a script: it ends as is expected, names this, and never calls itself faulty. */
async function ends(t: Test, script: string, words: string[], code: number, ...said: (string | RegExp)[]) {
  const ended = await attempt(box, script, words)
  const text = ended.out + ended.err
  t.equal(ended.code, code, `${script} ${words.join(' ')}\n${text}`)
  t.notMatch(text, /fault of regrow|unexpected:/)
  t.same(obeyed(text), [])
  for (const one of said) t.match(text, one)
}

t.test('in a world: what is damaged is named and passed over, whoever looks', async (t) => {
  const read = JSON.parse(storage.bytes(velero, 'backups/main-first/velero-backup.json').toString())
  const forge = async (name: string, files: Record<string, string | Uint8Array>, status: object = {}) => {
    const own = { ...read, metadata: { ...read.metadata, name }, status: { ...read.status, ...status } }
    const later = { startTimestamp: new Date().toISOString() }
    const all: Record<string, string | Uint8Array> = {
      'velero-backup.json': JSON.stringify({ ...own, status: { ...own.status, ...later, ...status } }),
      [`${name}.tar.gz`]: storage.bytes(velero, 'backups/main-first/main-first.tar.gz'),
      [`${name}-volumeinfo.json.gz`]: storage.bytes(
        velero,
        'backups/main-first/main-first-volumeinfo.json.gz',
      ),
      [`${name}-resource-list.json.gz`]: storage.bytes(
        velero,
        'backups/main-first/main-first-resource-list.json.gz',
      ),
      ...files,
    }
    for (const [key, content] of Object.entries(all))
      storage.put(velero, `backups/${name}/${key}`, Buffer.from(content))
  }
  await forge('a-volumes', { 'a-volumes-volumeinfo.json.gz': 'not gzip at all' })
  await forge('b-bomb', { 'b-bomb-volumeinfo.json.gz': gzipSync(Buffer.alloc(50 * 1024 ** 2, 0x20)) })
  await forge('c-future', {}, { startTimestamp: '2099-01-01T00:00:00Z' })
  await forge('d-large', { 'velero-backup.json': Buffer.alloc(2 * 1024 ** 2, 0x20) })
  await forge('e-objects', {
    'e-objects.tar.gz': await tarball({
      'resources/secrets/namespaces/shop/x.json': JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: '--all',
          namespace: 'argocd',
          ownerReferences: [{ kind: 'SealedSecret', name: 'x' }],
        },
      }),
    }),
  })
  await forge('f-cut', {
    'f-cut.tar.gz': storage.bytes(velero, 'backups/main-first/main-first.tar.gz').subarray(0, 999),
  })
  const reasons = [
    /a-volumes-volumeinfo\.json\.gz cannot be read/,
    /b-bomb-volumeinfo\.json\.gz cannot be read: it becomes more than 8 MiB/,
    /it says that it began at 2099/,
    /d-large\/velero-backup\.json has more than 1 MiB/,
    /e-objects\.tar\.gz in .* cannot be read: .* holds one of namespace “argocd”/,
    /f-cut\.tar\.gz in .* cannot be read/,
    /main-first +whole/,
  ]
  await ends(t, 'scripts/backups.mts', [], 0, ...reasons)
  await ends(t, 'scripts/backups.mts', ['--deleted'], 0)
  await ends(t, 'scripts/status.mts', [], 3, /last backup +main-first, /)
  await ends(t, 'scripts/destroy.mts', ['--dry-run'], 0, /droplet main-1/)
  await ends(t, 'bootstrap.mts', ['--yes'], 0)
  const restore = ['--replace', '--dry-run', '--backup']
  await ends(t, 'restore.mts', [...restore, 'latest'], 0, /backup main-first, .*comes back onto main-2/)
  for (const name of ['a-volumes', 'b-bomb', 'e-objects', 'f-cut'])
    await ends(t, 'restore.mts', [...restore, name], 1, new RegExp(`backup ${name} is partial`))
  for (const name of ['c-future', 'd-large'])
    await ends(t, 'restore.mts', [...restore, name], 1, new RegExp(`backup ${name} is failed`))
})

t.test('in a world: a note or report that is damaged stops nobody who looks', async (t) => {
  const before = storage.bytes(kit, 'nodes/main-1/bundle.json')
  const report = storage.bytes(kit, 'nodes/main-1/k3s.json')
  storage.put(kit, 'nodes/main-1/k3s.json', Buffer.alloc(3 * 1024 ** 2, 0x20))
  await ends(t, 'scripts/status.mts', [], 3)
  for (const content of ['not JSON', '[]', `{"a":${'['.repeat(1e5)}`, ' '.repeat(2 * 1024 ** 2)]) {
    storage.put(kit, 'nodes/main-1/bundle.json', Buffer.from(content))
    await ends(t, 'scripts/status.mts', [], 3)
    await ends(t, 'scripts/backups.mts', [], 0)
    await ends(t, 'scripts/destroy.mts', ['--dry-run'], 0)
  }
  storage.put(kit, 'nodes/main-1/bundle.json', before)
  storage.put(kit, 'nodes/main-1/k3s.json', report)
})

t.test(
  'in a world: each note that is damaged is named with what to do, and stops nobody who looks',
  async (t) => {
    const notes = ['bundle', 'restore', 'compared', 'proof'].map((note) => `nodes/main-1/${note}.json`)
    const all = [...notes, 'versions.json', 'operators.json', 'regrow.json', 'vouched/main-first.json']
    const before = new Map(all.map((key) => [key, storage.meta(kit, key) && storage.bytes(kit, key)]))
    const digit = (text: string) => text.replace(/\d/, (one) => (one === '1' ? '2' : '1'))
    const other = (was: Buffer | undefined) =>
      digit(was?.toString() ?? recordText({ at: '2026-11-30T10:00:00Z' }))
    const damages = [() => 'not JSON', () => '', other, () => ' '.repeat(2 * 1024 ** 2)]
    for (const damage of damages) {
      for (const [key, was] of before) storage.put(kit, key, Buffer.from(damage(was)))
      const cures = all.map((key) => `aws s3 rm s3://${kit}/${key} removes it.`)
      await ends(t, 'scripts/status.mts', [], 3, ...cures)
      await ends(t, 'scripts/backups.mts', [], 0, /main-first +whole/)
    }
    await ends(t, 'scripts/backups.mts', ['--deleted'], 0)
    for (const [key, was] of before)
      if (was) storage.put(kit, key, was)
      else storage.remove(kit, key)
    const good = storage.bytes(kit, 'kit.json')
    for (const damage of damages) {
      storage.put(kit, 'kit.json', Buffer.from(damage(good)))
      await ends(t, 'scripts/status.mts', [], 3, /the kit in \S+ is damaged|kit\.json has more than 1 MiB/)
    }
    storage.put(kit, 'kit.json', good)
  },
)
