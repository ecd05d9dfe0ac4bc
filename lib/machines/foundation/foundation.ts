import type { Project, ReservedIp } from '../../clients/digitalocean-types.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type Buckets, ensureBuckets } from '../../store/buckets.ts'
import { ensureKit, type Kit } from '../../store/kit.ts'
import { ensureAddress } from './address.ts'
import { ensureNetwork, type Network } from './network.ts'
import { ensureProject } from './project.ts'

/** What the machines of a cluster stand on. */
export interface Foundation {
  project: Project
  network: Network
  address: ReservedIp
  buckets: Buckets
  kit: Kit
}

/**
 * Makes sure of all that machines stand on: project, private network and firewall, reserved address, both buckets, and the
 * kit with the cluster's keys, which is made once and found ever after.
 * @param how.past whether buckets that were made otherwise are to keep what is deleted
 * @param how.kit the kit, where this run opened it already
 * @param how.original the kit of the cluster whose copy this is: what opens its backups is taken over from there
 */
export async function ensureFoundation(
  cluster: Cluster,
  { past = false, kit, original }: { past?: boolean; kit?: Kit; original?: Kit } = {},
): Promise<Foundation> {
  const project = await ensureProject(cluster)
  const [network, address, buckets] = await Promise.all([
    ensureNetwork(cluster),
    ensureAddress(cluster, project),
    ensureBuckets(cluster, { past }),
  ])
  return { project, network, address, buckets, kit: kit ?? (await ensureKit(buckets, cluster, original)) }
}
