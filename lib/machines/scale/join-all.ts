import type { Droplet } from '../../clients/digitalocean-types.ts'
import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Foundation } from '../foundation/foundation.ts'
import { ensureSshKey } from '../foundation/ssh-key.ts'
import { join } from './join.ts'
import { waitForServers } from './leave.ts'
import { agentsOf, type Described, serversOf } from './reshape.ts'

/**
 * Lets machines join: servers one after the other, with all servers well in between, so that etcd keeps its majority;
 * then all agents at the same time.
 * @throws Problem naming each that did not join and why
 */
export async function joinAll(
  cluster: Cluster,
  foundation: Foundation,
  kube: Kube,
  nodes: readonly Described[],
  droplets: readonly Droplet[],
): Promise<void> {
  if (nodes.length === 0) return
  const withKey = { ...foundation, sshKey: await ensureSshKey(cluster, foundation.kit) }
  for (const server of serversOf(nodes)) {
    await join(cluster, withKey, kube, [server], droplets)
    await waitForServers(kube)
  }
  await join(cluster, withKey, kube, agentsOf(nodes), droplets)
}
