import t from 'tap'
import { known } from '../../census/known.ts'
import { partial } from '../../census/partial.ts'
import { groundOf } from '../../census/play.ts'
import { bootstrap } from '../../faults/flows.ts'
import { inWorld } from '../../faults/world.ts'

// SIMULATED: every case in which a restore lied once, each in a world of its own.

for (const [name, play] of Object.entries({ ...known, ...partial }))
  t.test(name, { timeout: 900_000 }, (t) =>
    inWorld({ before: [bootstrap.command] }, (world) => play(t, groundOf(world))),
  )
