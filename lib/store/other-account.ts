import { names } from '../base/names.ts'
import { Problem } from '../base/problem.ts'
import { accountOf, type Cluster } from '../cluster/cluster.ts'
import { descriptionPath, locationPath } from '../cluster/description.ts'

/**
 * What is wrong where Git describes a cluster of another DigitalOcean account: a bucket's name that regrow gave tells whose
 * it is. Going on would make a second world, and lead the first one's Git to it. A bucket that a person named, in
 * `cluster.yaml` or in the manifest, is the person's word and tells nothing.
 */
export async function ofAnotherAccount(cluster: Cluster): Promise<Problem | undefined> {
  const { committed, github, name, place } = cluster
  if (!committed || committed.store.velero || committed.store.endpoint) return undefined
  const { velero: own, kit } = names.buckets(name, accountOf(cluster))
  const text = (await github.file(place, locationPath(name))) ?? ''
  const [, bucket] =
    new RegExp(`^[ \\t]*bucket:\\s*["']?(regrow-${name}-[0-9a-f]{10}-velero)\\b`, 'm').exec(text) ?? []
  if (!bucket || bucket === own) return undefined
  return new Problem(
    `cluster ${name} keeps its backups in ${bucket}, says ${place.owner}/${place.name}, and that is a bucket of another account than DIGITALOCEAN_TOKEN opens`,
    {
      cure: `Use a token of the team in which that bucket is. Another cluster has another --name or --repo. Is that account lost for good? Name the buckets to use from now on, such as ${own} and ${kit}, as store.velero and store.kit in ${descriptionPath(name)}.`,
    },
  )
}
