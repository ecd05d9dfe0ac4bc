import t from 'tap'
import type { Backup } from '../../lib/backup/backups.ts'
import { toExtend } from '../../lib/backup/expiry.ts'

const now = Date.parse('2026-11-23T12:00:00Z')
const day = 86_400_000
const backup = (name: string, days: number, state: 'whole' | 'partial' = 'whole'): Backup => ({
  metadata: { name },
  status: { expiration: new Date(now + days * day).toISOString().replace('.000', '') },
  wholeness: state === 'whole' ? { state } : { state, reasons: ['narrow'] },
})

t.test(
  'what expired or soon will is kept for the whole time again: the chosen one, and the newest whole ones',
  async (t) => {
    const newest = [6, 5, 4, 3, 2, 1, 0].map((days) => backup(`daily-${days}`, days - 10))
    const narrow = Array.from({ length: 9 }, (_, n) => backup(`hourly-${n}`, 0, 'partial'))
    const all = [...narrow, ...newest, backup('old', -20), backup('oldest', -30)]
    const extended = toExtend(all, 'oldest', now, 30)
    t.same(
      extended.map((one) => one.backup),
      [...newest.map((one) => one.metadata.name), 'oldest'],
    )
    t.match(extended[0], { from: '2026-11-19T12:00:00Z', to: '2026-12-23T12:00:00Z' })
  },
)

t.test('what still has time is left alone, so a second run changes nothing', async (t) => {
  t.same(toExtend([backup('daily', 8), backup('older', 7.5)], 'daily', now, 30), [])
  t.same(toExtend([backup('daily', 30)], 'daily', now, 30), [])
  t.equal(toExtend([backup('daily', 0.4)], 'daily', now, 1).length, 1)
  t.same(toExtend([backup('daily', 1)], 'daily', now, 1), [])
})
