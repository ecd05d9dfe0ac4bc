import type { Bucket } from '../../clients/s3.ts'
import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import {
  type Application,
  applications,
  hasAnswered,
  isAutomated,
  stateOf,
} from '../../kubernetes/applications.ts'
import type { Course } from '../../machines/first/restoration.ts'
import type { BackedObject } from '../objects.ts'
import type { Terms } from '../restore/terms.ts'
import type { VolumeProof } from '../restore/volumes.ts'
import { liveObjects } from './live.ts'
import { type Bringer, type Sight, silenced } from './outcome.ts'

/** A backup that comes back into a cluster, and what was decided about it. */
export interface Returning {
  kube: Kube
  cluster: Cluster
  course: Pick<Course, 'server' | 'backup'>
  /** Where the backup lies. */
  bucket: Bucket
  /** Its objects. */
  held: readonly BackedObject[]
  terms: Terms
  /** Beside the original all workloads come from the backup: asleep, unless they are to be awake. */
  awake: boolean
}

/** Whether and how a cluster stands beside the original. */
export const besideAs = ({ cluster, awake }: Pick<Returning, 'cluster' | 'awake'>) =>
  cluster.original === undefined ? undefined : awake ? 'awake' : 'asleep'

/** Looks at everything that tells what became of a backup. @throws ToolFailure when the API does not answer */
export async function sightOf(
  { kube, cluster, held, terms: { partial, dropped } }: Returning,
  volumes: readonly VolumeProof[],
  unequal: Sight['unequal'],
): Promise<Sight> {
  const beside = cluster.original !== undefined
  const [live, apps] = await Promise.all([liveObjects(kube, held), applications(kube)])
  return {
    live,
    apps: new Map([...apps].map(([name, one]) => [name, bringer(one)])),
    volumes: new Map(volumes.map((one) => [one.claim, one.missing])),
    unequal,
    nodes: successors(cluster, held),
    dropped: new Map([...dropped, ...(beside ? silenced(held) : [])]),
    partial,
    beside,
  }
}

function bringer(one: Application): Bringer {
  const resources = one.status?.resources ?? []
  return {
    lists: new Set(
      resources.map(({ group, kind, namespace, name }) =>
        namespace ? `${group}/${kind} ${namespace}/${name}` : `${group}/${kind} ${name}`,
      ),
    ),
    looked: hasAnswered(one),
    automated: isAutomated(one),
    state: stateOf(one),
  }
}

/** Which machine has the place of which earlier one: servers before agents, in the order of their numbers. */
function successors({ wanted }: Cluster, held: readonly BackedObject[]): Map<string, string> {
  const earlier = held
    .filter((one) => one.resource === 'nodes')
    .toSorted(
      (a, b) =>
        Number(b.server ?? false) - Number(a.server ?? false) ||
        a.id.localeCompare(b.id, 'en', { numeric: true }),
    )
  const now = wanted.nodes.map((one) => one.name)
  return new Map(
    earlier.flatMap(({ id }, index) => {
      const name = now[index]
      return name === undefined ? [] : [[id, name] as const]
    }),
  )
}
