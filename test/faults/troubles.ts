import type { FaultKind } from '../../sandbox/faults.ts'
import { type Point, type Trouble, tellPoint } from './harness.ts'
import { drawnBy } from './share.ts'

/** What can happen to one request. */
export const kinds: readonly FaultKind[] = ['429', '500', '503', 'cut-before', 'cut-after', 'timeout', 'slow']

/** How clouds can misbehave all along: delays at a twentieth of what is real, and actions that end as errored. */
export const behaviours: readonly { kind: string; behaviour: object }[] = [0.25, 0.5, 1, 1.5, 2].flatMap(
  (much) => [
    { kind: 'new things answer 404', behaviour: { digitalocean: { hiddenMs: 1500 * much } } },
    { kind: 'lists lag', behaviour: { digitalocean: { listLagMs: 1500 * much } } },
    { kind: 'keys are not yet known', behaviour: { keyPropagationMs: 1500 * much } },
    { kind: 'actions look unfinished', behaviour: { digitalocean: { actionLagMs: 1500 * much } } },
  ],
)

/** An action of each type that ends as errored, as often as said. */
export const errored: readonly { kind: string; behaviour: object }[] = [
  'create',
  'assign_ip',
  'attach',
  'snapshot',
  'power_on',
].map((type) => ({ kind: `an errored ${type}`, behaviour: { digitalocean: { errored: { [type]: 1 } } } }))

/** Each request once: its first occurrence. */
export const requestsOf = (points: readonly Point[]) => points.filter((one) => one.nth === 1)

/** For each request that this run tries one kind; the kinds go round, so that none comes too seldom. */
export function drawn(points: readonly Point[]): Trouble[] {
  return drawnBy(requestsOf(points), tellPoint).map((point, index) => ({
    point,
    kind: kinds[index % kinds.length] ?? '500',
  }))
}

/** A trouble as it is told. */
export const tellTrouble = (one: Trouble) =>
  'point' in one ? `${one.kind} at ${tellPoint(one.point)}` : `${one.kind} (${JSON.stringify(one.behaviour)})`
