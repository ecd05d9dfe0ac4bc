import type { Cluster } from './cluster.ts'
import { names } from './names.ts'
import { overlap } from './ranges.ts'

/**
 * Moves a new cluster's private network out of the way of the account's other networks: the first free /20 from the
 * one that is described on. A range that Git records is never changed.
 */
export async function chooseFreeRange(cluster: Cluster): Promise<void> {
  if (cluster.committed) return
  const others = (await cluster.cloud.vpcs()).filter((vpc) => vpc.name !== names.network(cluster.name))
  const { network } = cluster.wanted
  const candidates = [network.range, ...Array.from({ length: 16 }, (_, index) => `10.110.${index * 16}.0/20`)]
  const free = candidates.find((range) => !others.some((vpc) => overlap(vpc.ip_range, range)))
  if (free) cluster.wanted = { ...cluster.wanted, network: { ...network, range: free } }
}
