import type { Cluster } from '../cluster/cluster.ts'
import type { Check } from '../cluster/preflight.ts'
import type { Course } from '../cluster/restoration.ts'
import { checkUpstream } from '../cluster/upstream.ts'
import { Problem } from '../problem.ts'

/** What a restore is about to do. */
export interface RestoreWish {
  course: Course
  /** A cluster that is alive may be powered off and replaced. */
  replace: boolean
}

/** The part of preflight that belongs to a restore: nothing is bought before all of it holds. */
export function restoreChecks({ course, replace }: RestoreWish): Check[] {
  return [
    async (cluster) => [described(cluster)],
    async (cluster, own) =>
      course.begun || replace
        ? []
        : own.droplets.map(
            (one) =>
              new Problem(`cluster ${cluster.name} is alive: droplet ${one.name} is ${one.status}`, {
                cure: 'Two clusters must never write to the same backups. --replace powers it off first, keeps it until the new one is proven, then destroys it.',
              }),
          ),
    async (cluster) => {
      if (cluster.committed) await checkUpstream(cluster)
      return []
    },
    async (cluster) => [clockOf(cluster)],
  ]
}

/** What the cluster is to be stands in Git alone. */
function described({ committed, name, place }: Cluster): Problem | undefined {
  return committed
    ? undefined
    : new Problem(`${place.owner}/${place.name} does not describe a cluster “${name}”`, {
        cure: 'A restore needs the GitOps repository as well as the buckets; name it with --repo OWNER/NAME.',
      })
}

/** Signed addresses and certificates follow DigitalOcean's clock; TLS and kubectl on this machine follow its own. */
function clockOf({ cloud }: Cluster): Problem | undefined {
  const minutes = Math.round(cloud.clockOffset() / 60_000)
  return Math.abs(minutes) <= 60
    ? undefined
    : new Problem(
        `the clock of this computer is ${Math.abs(minutes)} minutes ${minutes > 0 ? 'slow' : 'fast'}`,
        { cure: 'Set it, then run the same command again.' },
      )
}
