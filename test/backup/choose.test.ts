import t from 'tap'
import type { Backup } from '../../lib/backup/backups.ts'
import { chooseBackup, pick } from '../../lib/backup/choose.ts'
import type { Wholeness } from '../../lib/backup/whole.ts'
import { asked, bucketWith, claim, clusterWith } from './bucket.ts'

const whole: Wholeness = { state: 'whole' }
const backup = (name: string, startTimestamp: string, wholeness: Wholeness = whole): Backup => ({
  metadata: { name },
  status: { startTimestamp },
  wholeness,
})
const narrow: Wholeness = { state: 'partial', reasons: ['only these namespaces are in it: shop'] }
const all = [
  backup('daily-20261123031700', '2026-11-23T03:17:00Z', {
    state: 'failed',
    reasons: ['PartiallyFailed, 1 error'],
  }),
  backup('before-upgrade', '2026-11-22T20:00:00Z'),
  backup('daily-20261122031700', '2026-11-22T03:17:00Z'),
  backup('daily', '2026-11-01T03:17:00Z'),
]
const picked = (wish: string) => pick(all, wish).metadata.name

t.test('by name, by the start of one, by date, or the newest that is whole', async (t) => {
  t.equal(picked('before-upgrade'), 'before-upgrade')
  t.equal(picked('before'), 'before-upgrade')
  t.equal(picked('daily'), 'daily', 'a whole name wins over the start of others')
  t.equal(picked('latest'), 'before-upgrade')
  t.equal(picked('2026-11-22'), 'before-upgrade', 'the newest of the day')
  t.equal(picked('2026-11-22T03'), 'daily-20261122031700')
  t.equal(picked('2026-11-22T03:17:00Z'), 'daily-20261122031700')
})

t.test('what means none or several is refused with the list', async (t) => {
  for (const [wish, said] of [
    ['hourly', 'there is no backup “hourly”'],
    ['daily-2', '2 backups begin with “daily-2”'],
    ['2026-10-01', 'there is no backup of 2026-10-01'],
  ] as const)
    t.throws(() => pick(all, wish), { message: new RegExp(`^${said}\n`), exitCode: 2 })
})

t.test('one that is not whole is refused with its reasons', async (t) => {
  for (const wish of ['daily-20261123031700', '2026-11-23', 'daily-20261123'])
    t.throws(() => pick(all, wish), {
      message: 'backup daily-20261123031700 is failed:\n    PartiallyFailed, 1 error',
      exitCode: 1,
    })
  t.throws(() => pick(all.slice(0, 1), 'latest'), { message: /^none of 1 backups is whole/ })
})

t.test(
  'a partial one comes by its name and with --partial, never as latest; a failed one never',
  async (t) => {
    const hourly = backup('hourly', '2026-11-24T09:00:00Z', narrow)
    t.equal(pick([hourly, ...all], 'latest').metadata.name, 'before-upgrade')
    t.equal(pick([hourly, ...all], 'latest', true).metadata.name, 'before-upgrade')
    t.throws(() => pick([hourly], 'hourly'), {
      message: 'backup hourly is partial:\n    only these namespaces are in it: shop',
    })
    t.equal(pick([hourly], 'hourly', true), hourly)
    t.throws(() => pick([hourly], 'latest', true), { message: /^none of 1 backups is whole/ })
    t.throws(() => pick(all, 'daily-20261123031700', true), { message: /is failed/ })
  },
)

const cluster = clusterWith()

t.test('what is chosen is read as a whole, and latest goes on to one that is whole by that', async (t) => {
  const bucket = await bucketWith({
    torn: { objects: 'torn', list: {}, volumes: [], status: { startTimestamp: '2026-11-23T09:00:00Z' } },
    good: {},
  })
  t.equal((await chooseBackup(bucket, 'latest', cluster)).metadata.name, 'good')
  await t.rejects(chooseBackup(bucket, 'torn', cluster), {
    message: /^backup torn is partial:\n {4}its objects/,
  })
  t.ok(bucket.gets.includes('backups/good/good.tar.gz'))
})

t.test('--partial goes with a name, and never with --replace', async (t) => {
  const hourly = { spec: { ...asked, includedNamespaces: ['shop'] }, objects: claim('shop', 'db') }
  const bucket = await bucketWith({ hourly })
  const chosen = await chooseBackup(bucket, 'hourly', cluster, { partial: true })
  t.equal(chosen.wholeness.state, 'partial')
  await t.rejects(chooseBackup(bucket, 'hourly', cluster), {
    message: /^backup hourly is partial/,
    cure: /--partial/,
  })
  await t.rejects(chooseBackup(bucket, 'latest', cluster, { partial: true }), {
    exitCode: 2,
    message: /^--partial needs a name/,
  })
  await t.rejects(chooseBackup(bucket, 'hourly', cluster, { partial: true, replace: true }), {
    exitCode: 2,
    message: /^--partial cannot replace a living cluster/,
  })
})

t.test('where none is whole, the way on is told as commands', async (t) => {
  const hourly = { spec: { ...asked, includedNamespaces: ['shop'] } }
  const older = { ...hourly, status: { startTimestamp: '2026-11-22T03:00:00Z' } }
  const bucket = await bucketWith({ hourly, older })
  const ways = (name: string) =>
    new RegExp(
      [
        'If the cluster still answers, take a whole one: \\S*scripts/backup.mts',
        'Leave the choice out: ',
        `To see what backup ${name} has, beside it: \\S*restore.mts --backup ${name} --partial --as copy`,
        `To give up what is left of the cluster: \\S*scripts/destroy.mts, then \\S*restore.mts --backup ${name} --partial`,
      ].join('[^]*'),
    )
  for (const [wish, name] of [
    ['latest', 'hourly'],
    ['older', 'older'],
  ] as const)
    await t.rejects(chooseBackup(bucket, wish, cluster, { replace: true }), {
      message: /whole|partial/,
      cure: ways(name),
    })
  await t.rejects(chooseBackup(bucket, 'older', cluster, { partial: true, replace: true }), {
    message: /^--partial cannot replace/,
    cure: /restore.mts --backup older --partial --as copy/,
  })
  const failed = await bucketWith({ one: { status: { phase: 'Failed' } } })
  await t.rejects(chooseBackup(failed, 'latest', cluster), {
    message: /^none of 1 backups is whole/,
    cure: /^If the cluster still answers, take a whole one: \S*scripts\/backup.mts$/,
  })
  const both = await bucketWith({ hourly, good: {} })
  await t.rejects(chooseBackup(both, 'hourly', cluster), { message: /is partial/, cure: /--backup latest/ })
})
