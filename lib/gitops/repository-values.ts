import { isIP } from 'node:net'
import { bucketPlaces, type Cluster } from '../cluster/cluster.ts'
import { podRange } from '../cluster/ranges.ts'
import type { RepositoryValues } from './schema.ts'

/** What the manifests need to know of a cluster. */
export function valuesOf(cluster: Cluster, address: string): RepositoryValues {
  const { wanted, place, tag, name } = cluster
  const places = bucketPlaces(cluster)
  return {
    cluster: name,
    owner: place.owner,
    repository: place.name,
    sshUrl: `git@github.com:${place.owner}/${place.name}.git`,
    region: wanted.region,
    tag,
    // In a dry run it is not known yet.
    ...(isIP(address) ? { address } : {}),
    ...(wanted.domain ? { domain: wanted.domain } : {}),
    ...(wanted.email ? { acmeEmail: wanted.email } : {}),
    bucket: { name: places.velero, region: places.region, endpoint: places.endpoint },
    backups: {
      schedule: wanted.backups.schedule,
      ttl: `${wanted.backups.keepDays * 24}h`,
      volumes: wanted.backups.volumes,
    },
    versions: wanted.versions,
    podCidr: podRange,
  }
}
