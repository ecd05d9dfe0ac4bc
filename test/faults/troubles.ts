import type { FaultKind } from '../../sandbox/faults.ts'
import type { Breakable } from './flows.ts'
import type { Trouble } from './harness.ts'
import { type Point, tellPoint } from './points.ts'
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

/**
 * For a share of the requests, two thirds at least of a flow that is always tried, one kind of those that the sweep has seen
 * to end well there, the rarest so far, in an order drawn by the commit; and the requests for which none was seen yet.
 * @param ended whether an attempt, by its name, was seen to end well
 */
export function drawn(
  { name, always }: Breakable,
  points: readonly Point[],
  ended: (name: string) => boolean,
): { troubles: Trouble[]; unseen: Point[] } {
  const counts = new Map<FaultKind, number>()
  const unseen: Point[] = []
  const all = requestsOf(points)
  const requests = drawnBy(all, tellPoint, always ? Math.ceil((all.length * 2) / 3) : 0)
  const troubles = requests.flatMap((point) => {
    const [kind] = kinds
      .filter((one) => ended(`${name}: ${tellTrouble({ kind: one, point })}`))
      .sort((one, other) => (counts.get(one) ?? 0) - (counts.get(other) ?? 0))
    if (!kind) {
      unseen.push(point)
      return []
    }
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    return [{ point, kind }]
  })
  return { troubles, unseen }
}

/** A trouble as it is told. */
export const tellTrouble = (one: Trouble) =>
  'point' in one ? `${one.kind} at ${tellPoint(one.point)}` : `${one.kind} (${JSON.stringify(one.behaviour)})`
