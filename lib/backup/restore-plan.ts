import type { Cluster } from '../cluster/cluster.ts'
import { type Plan, plan, type WantedClaim } from '../cluster/plan.ts'
import type { Course } from '../cluster/restoration.ts'
import { ageOf, type Backup } from './backups.ts'

/** What a restore will make, keep and, with `--replace`, destroy; and what it costs a month. */
export async function restorePlan(
  cluster: Cluster,
  course: Course,
  backup: Backup,
  claims: readonly WantedClaim[],
): Promise<Plan> {
  const made = await plan(cluster, course.begun ? [] : claims)
  const since = backup.status?.startTimestamp ?? 'it was made'
  const lines = [
    `backup ${ageOf(backup, cluster)}, comes back onto ${course.server}`,
    ...course.droplets.map(
      ({ name }) => `  - droplet ${name}: powered off now, destroyed once ${course.server} is proven`,
    ),
    ...(course.droplets.length > 0 ? [`  ! what was written there since ${since} is lost with it`] : []),
  ]
  return {
    ...made,
    nothing: course.finished !== undefined && made.nothing === true,
    text: `${lines.join('\n')}\n${made.text}`,
    toJSON: () => ({ backup: backup.metadata.name, course, plan: made.toJSON() }),
  }
}
