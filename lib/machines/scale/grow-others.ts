import { cloudTime } from '../../clients/clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { describeInGit } from '../../gitops/claim.ts'
import { notedNames } from '../../store/nodes.ts'
import type { Foundation } from '../foundation/foundation.ts'
import { joinAll } from './join-all.ts'
import { countedOn, withSuccessors } from './mend.ts'
import { reach } from './reach.ts'
import type { Earlier } from './survey.ts'

/**
 * Lets every machine join that is described beside the first server. Where one was lost, as all are after a wipe, its
 * successor's number goes into the description first.
 * @param earlier droplets of a cluster that is being replaced: they are none of these machines
 */
export async function ensureOtherMachines(
  cluster: Cluster,
  foundation: Foundation,
  earlier: Earlier = [],
): Promise<void> {
  if (cluster.wanted.nodes.length < 2) return
  const { seen } = await reach(cluster, foundation, earlier)
  const { kit } = foundation.buckets
  const described = countedOn(cluster.wanted, await notedNames(kit))
  cluster.wanted = await withSuccessors(described, seen, kit, cloudTime(cluster.cloud))
  await describeInGit(cluster)
  const { kube, seen: now, todo } = await reach(cluster, foundation, earlier)
  await joinAll(cluster, foundation, kube, todo.join, now.droplets)
}
