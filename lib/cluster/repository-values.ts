import type { RepositoryValues } from '../gitops/schema.ts'
import { versionsOf } from '../versions.ts'
import { bucketPlaces, type Cluster } from './cluster.ts'
import { podRange } from './ranges.ts'

/** What the manifests need to know of a cluster. */
export function valuesOf(cluster: Cluster, address: string): RepositoryValues {
  const { wanted, place, tag, name } = cluster
  const places = bucketPlaces(cluster)
  return {
    cluster: name,
    owner: place.owner,
    repository: place.name,
    sshUrl: sshUrl(cluster),
    region: wanted.region,
    tag,
    address,
    ...(wanted.domain ? { domain: wanted.domain } : {}),
    ...(wanted.email ? { acmeEmail: wanted.email } : {}),
    bucket: { name: places.velero, region: places.region, endpoint: places.endpoint },
    backups: {
      schedule: wanted.backups.schedule,
      ttl: `${wanted.backups.keepDays * 24}h`,
      volumes: wanted.backups.volumes,
    },
    versions: versionsOf(wanted.versions),
    podCidr: podRange,
  }
}

/** How Argo CD reaches the repository: over SSH, with its deploy key. */
export const sshUrl = ({ place }: Pick<Cluster, 'place'>) => `git@github.com:${place.owner}/${place.name}.git`
