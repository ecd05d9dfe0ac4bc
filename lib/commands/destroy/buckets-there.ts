import { names } from '../../base/names.ts'
import { tell } from '../../base/story.ts'
import { accountOf, bucketPlaces, type Cluster } from '../../cluster/cluster.ts'
import { missingBuckets } from '../../store/existence.ts'

/**
 * Looks whether the buckets that Git names are there: others write to Git, and a kit that is not found stays for ever,
 * with all keys of the cluster. Where one is not, and the one of the name that regrow gives is, that counts in this run;
 * whether it is the cluster's its mark tells. What stays in either case is told.
 */
export async function nameBucketsThere(cluster: Cluster): Promise<void> {
  const places = bucketPlaces(cluster)
  if (!places.spaces) return
  const own = names.buckets(cluster.name, accountOf(cluster))
  for (const use of ['velero', 'kit'] as const) {
    const [inGit, given] = [places[use], own[use]]
    if (inGit === given) continue
    const missing = await missingBuckets({ ...places, velero: inGit, kit: given })
    const what = `bucket ${inGit}`
    if (!missing.includes(inGit)) {
      if (!missing.includes(given))
        tell('!', `bucket ${given}`, `has the name that regrow gives; Git names ${inGit}, so it stays`)
    } else if (missing.includes(given))
      tell('!', what, 'is named in Git and is not there: one that took its place is not known, and stays')
    else {
      tell('!', what, `is named in Git and is not there; ${given} is`)
      cluster.wanted = { ...cluster.wanted, store: { ...cluster.wanted.store, [use]: given } }
    }
  }
}
