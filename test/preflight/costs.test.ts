import t from 'tap'
import { runsAMonth } from '../../lib/cluster/cron.ts'
import { copyOf } from '../../lib/cluster/prices.ts'

t.test('how often a schedule comes in a month', async (t) => {
  const rows = { '0 3 * * *': 30, '0 3 * * 0': 4, '0 */6 * * *': 122, '30 4 1 * *': 1, '0 3 31 2 *': 0 }
  for (const [schedule, runs] of Object.entries(rows)) t.equal(runsAMonth(schedule), runs, schedule)
})

t.test('to copy a volume costs a cent at least, more where it is large', async (t) => {
  // A snapshot costs $0.06 a GiB and month and never less than a cent, the volume made of it $0.10; an hour is 1/672.
  t.equal(copyOf(1).toFixed(4), (0.01 + 0.1 / 672).toFixed(4))
  t.equal(copyOf(500).toFixed(4), (30 / 672 + 50 / 672).toFixed(4))
})
