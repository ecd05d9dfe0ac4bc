import t from 'tap'
import { attempt, attempts, flows, tellAttempt } from '../../census/altered.ts'
import { sideBySide } from '../../faults/judge.ts'
import { drawnBy, inOrder, seed } from '../../faults/share.ts'

// SIMULATED clouds, real processes: one object of the backups' or of the kit's bucket is altered, then a restore, a
// rehearsal, or whatever looks reads it. Of all attempts some are drawn by the commit, and so is what is altered;
// `npm run test:altered` tries every one.

const shares = { restore: 12, 'restore --replace': 8, rehearse: 6, 'restore again': 5, looks: 5 }

for (const flow of flows)
  t.test(`${flow}, after one object was altered`, { timeout: 1_800_000 }, async (t) => {
    const all = await attempts(flow)
    t.ok(all.length >= 14, `${all.length} attempts there are`)
    const drawn = drawnBy(inOrder(all, tellAttempt).slice(0, shares[flow]), tellAttempt, 2)
    await sideBySide(drawn, async (one) => {
      const { came, wrong } = await attempt(one, seed)
      t.same(wrong, [], `${tellAttempt(one)}: ${came}`)
    })
    t.comment(`${drawn.length} of ${all.length} attempts`)
  })
