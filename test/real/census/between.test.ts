import t from 'tap'
import { attempt, attempts, flows, tellAttempt } from '../../census/between.ts'
import { sideBySide } from '../../faults/judge.ts'
import { drawnBy, inOrder } from '../../faults/share.ts'

// SIMULATED clouds, real processes, real SIGKILLs: restore and restore --replace killed where they change something, then
// scale, status, destroy or bootstrap, then the restore again. Of all attempts forty are drawn by the commit (of them a
// share, where `REGROW_SHARE` says so); `npm run test:between` tries every one.

for (const flow of flows)
  t.test(
    `${flow}, killed, and something else run before it is repeated`,
    { timeout: 3_000_000 },
    async (t) => {
      const all = await attempts(flow)
      t.ok(all.length >= 160, `${all.length} attempts there are`)
      const drawn = drawnBy(inOrder(all, tellAttempt).slice(0, 20), tellAttempt)
      await sideBySide(drawn, async (one) => {
        t.same(await attempt(one), [], tellAttempt(one))
      })
      t.comment(`${drawn.length} of ${all.length} attempts`)
    },
  )
