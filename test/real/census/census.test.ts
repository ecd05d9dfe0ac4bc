import t from 'tap'
import { playCensus } from '../../census/census.ts'
import { groundOf } from '../../census/play.ts'
import { bootstrap } from '../../faults/flows.ts'
import { inWorld } from '../../faults/world.ts'

// SIMULATED: a person's whole cluster goes through backup, loss and restore, and a judge that shares no code with the
// proof holds the one against the other. The same on real parts: test/real/census/on-parts.test.ts.

t.setTimeout(300_000)

await inWorld({ before: [bootstrap.command] }, (world) =>
  playCensus(t, groundOf(world), {
    // Kinds of Kubernetes that paper has not.
    unknown: ['PodTemplate', 'ReplicationController', 'RuntimeClass'],
    devices: true,
  }),
)
