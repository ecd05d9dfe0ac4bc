import t from 'tap'
import type { Backup } from '../../lib/backup/backups.ts'
import { pick } from '../../lib/backup/choose.ts'

const backup = (name: string, startTimestamp: string, phase = 'Completed', errors = 0): Backup => ({
  metadata: { name },
  status: { phase, errors, startTimestamp },
})
const all = [
  backup('daily-20261123031700', '2026-11-23T03:17:00Z', 'PartiallyFailed', 1),
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

t.test('completed with an error is not whole', async (t) => {
  const one = backup('almost', '2026-11-23T09:00:00Z', 'Completed', 1)
  t.equal(pick([one, ...all], 'latest').metadata.name, 'before-upgrade')
  t.throws(() => pick([one], 'almost'), { message: /^backup almost is not whole/ })
})

t.test('one that is not whole is refused with its state', async (t) => {
  for (const wish of ['daily-20261123031700', '2026-11-23', 'daily-20261123'])
    t.throws(() => pick(all, wish), {
      message: 'backup daily-20261123031700 is not whole: PartiallyFailed, 1 errors',
      exitCode: 1,
    })
  t.throws(() => pick(all.slice(0, 1), 'latest'), { message: /^none of 1 backups is whole/ })
})
