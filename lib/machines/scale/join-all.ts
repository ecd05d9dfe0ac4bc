import type { Droplet } from '../../clients/digitalocean-types.ts'
import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type JoinGround, join } from './join.ts'
import { serversWell } from './leave.ts'
import { agentsOf, type Described, serversOf } from './reshape.ts'

/**
 * Lets machines join: servers one after the other, with all servers well in between, so that etcd keeps its majority;
 * then all agents at the same time.
 * @throws Problem naming each that did not join and why
 */
export async function joinAll(
  cluster: Cluster,
  ground: JoinGround,
  kube: Kube,
  nodes: readonly Described[],
  droplets: readonly Droplet[],
): Promise<void> {
  for (const server of serversOf(nodes)) {
    await join(cluster, ground, kube, [server], droplets)
    await serversWell(kube)
  }
  await join(cluster, ground, kube, agentsOf(nodes), droplets)
}
