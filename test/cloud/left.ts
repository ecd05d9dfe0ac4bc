import type { Cluster } from '../../lib/cluster/cluster.ts'
import { bucketPlaces } from '../../lib/cluster/cluster.ts'
import { missingBuckets } from '../../lib/store/existence.ts'
import { until } from './sight.ts'

/** What is there of a cluster: `left` is billed or in the way, `stays` is what nobody can remove. */
export interface Left {
  left: string[]
  stays: string[]
}

/**
 * Looks through the whole account for anything that bears the cluster's name, whoever made it, its buckets and its
 * repository. Shares nothing with what `destroy` looks at but the client.
 * @param addresses reserved addresses that the play had
 */
export async function leftOf(cluster: Cluster, addresses: readonly string[]): Promise<Left> {
  const { cloud, github, place } = cluster
  const lists = {
    project: cloud.projects(),
    droplet: cloud.droplets(),
    volume: cloud.volumes(),
    snapshot: cloud.volumeSnapshots(),
    'droplet’s snapshot': cloud.dropletSnapshots(),
    network: cloud.vpcs(),
    firewall: cloud.firewalls(),
    'SSH key': cloud.sshKeys(),
    'Spaces key': cloud.spacesKeys(),
    'load balancer': cloud.loadBalancers(),
    'reserved IP': cloud.reservedIps(),
  }
  const bearing = (one: object) => JSON.stringify(one).includes(cluster.name)
  const found: string[] = []
  const stays: string[] = []
  for (const [kind, list] of Object.entries(lists))
    for (const one of await list) {
      const name = 'name' in one ? one.name : one.ip
      const isDefault = kind === 'network' && 'default' in one && one.default === true
      if (isDefault && bearing(one)) stays.push(`network ${name}, its region’s default: free of charge`)
      else if (bearing(one) || addresses.includes(name)) found.push(`${kind} ${name}`)
    }
  const places = bucketPlaces(cluster)
  const missing = await missingBuckets(places)
  const buckets = [places.velero, places.kit].filter((one) => !missing.includes(one))
  const tags = (await cloud.tags()).filter((one) => one.includes(cluster.name))
  // Its deploy key goes with it.
  const repository = await github.repository(place.owner, place.name)
  return {
    left: [
      ...found,
      ...buckets.map((one) => `bucket ${one}`),
      ...tags.map((one) => `tag ${one}`),
      ...(repository ? [`repository ${place.owner}/${place.name}`] : []),
    ],
    stays,
  }
}

/** The same, once lists have caught up with what was removed, for two minutes at most. */
export async function leftAtLast(cluster: Cluster, addresses: readonly string[]): Promise<Left> {
  const clean = await until(120, async () => {
    const seen = await leftOf(cluster, addresses)
    return seen.left.length === 0 ? seen : undefined
  })
  return clean ?? leftOf(cluster, addresses)
}
