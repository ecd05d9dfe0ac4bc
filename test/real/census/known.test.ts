import t from 'tap'
import { known } from '../../census/known.ts'
import { partial } from '../../census/partial.ts'
import { groundOf } from '../../census/play.ts'
import { bootstrap } from '../../faults/flows.ts'
import { drawnBy } from '../../faults/share.ts'
import { inWorld } from '../../faults/world.ts'

// SIMULATED: every case in which a restore lied once, each in a world of its own; where only a share is tried, six drawn
// by the commit.

const all = Object.entries({ ...known, ...partial })
const drawn = drawnBy(all, ([name]) => name, 6)
for (const [name, play] of all) {
  const skip = drawn.some((one) => one[0] === name) ? false : 'NOT RUN: this commit draws other cases'
  t.test(name, { timeout: 900_000, skip }, (t) =>
    inWorld({ before: [bootstrap.command] }, (world) => play(t, groundOf(world))),
  )
}
