import type { Cluster } from '../cluster/cluster.ts'
import type { Ground } from '../cluster/grow.ts'
import { ensureSshKey } from '../digitalocean/ssh-key.ts'
import { describeInGit } from '../gitops/claim.ts'
import { join } from './join.ts'
import { serversWell } from './leave.ts'
import { withSuccessors } from './mend.ts'
import { reach } from './reach.ts'
import { agentsOf, serversOf } from './reshape.ts'

/**
 * Lets every machine join that is described beside the first server: servers one after the other, agents at the same
 * time. Where one was lost, as all are after a wipe, its successor's number goes into the description first.
 */
export async function growOthers(cluster: Cluster, ground: Ground): Promise<void> {
  if (cluster.wanted.nodes.length < 2) return
  const { seen } = await reach(cluster, ground)
  cluster.wanted = await withSuccessors(cluster.wanted, seen, ground.buckets.kit)
  await describeInGit(cluster)
  const sshKey = await ensureSshKey(cluster, ground.kit)
  const { kube, seen: now, todo } = await reach(cluster, ground)
  for (const server of serversOf(todo.join)) {
    await join(cluster, { ...ground, sshKey }, kube, [server], now.droplets)
    await serversWell(kube)
  }
  await join(cluster, { ...ground, sshKey }, kube, agentsOf(todo.join), now.droplets)
}
