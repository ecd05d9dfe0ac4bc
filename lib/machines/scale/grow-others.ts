import { cloudTime } from '../../clients/clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { describeInGit } from '../../gitops/claim.ts'
import { notedNames } from '../../store/nodes.ts'
import type { Ground } from '../first/grow.ts'
import { ensureSshKey } from '../foundation/ssh-key.ts'
import { joinAll } from './join-all.ts'
import { countedOn, withSuccessors } from './mend.ts'
import { reach } from './reach.ts'
import type { Earlier } from './survey.ts'

/**
 * Lets every machine join that is described beside the first server. Where one was lost, as all are after a wipe, its
 * successor's number goes into the description first.
 * @param earlier droplets of a cluster that is being replaced: they are none of these machines
 */
export async function growOthers(cluster: Cluster, ground: Ground, earlier: Earlier = []): Promise<void> {
  if (cluster.wanted.nodes.length < 2) return
  const { seen } = await reach(cluster, ground, earlier)
  const { kit } = ground.buckets
  const described = countedOn(cluster.wanted, await notedNames(kit))
  cluster.wanted = await withSuccessors(described, seen, kit, cloudTime(cluster.cloud))
  await describeInGit(cluster)
  const sshKey = await ensureSshKey(cluster, ground.kit)
  const { kube, seen: now, todo } = await reach(cluster, ground, earlier)
  await joinAll(cluster, { ...ground, sshKey }, kube, todo.join, now.droplets)
}
