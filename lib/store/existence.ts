import { networkCure } from '../base/environment.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { waitFor } from '../base/wait.ts'
import type { Store } from '../clients/s3.ts'
import { steadyFetch } from '../clients/steady-fetch.ts'
import type { BucketPlaces } from '../cluster/cluster.ts'
import { descriptionPath } from '../cluster/description.ts'

/**
 * Which of the two buckets do not exist, asked without a key: S3 answers 404 for a missing bucket and 403 for one that
 * is somebody's. A key of ours cannot tell before the bucket is there, because grants are per bucket.
 */
export async function missingBuckets(places: BucketPlaces): Promise<string[]> {
  const missing = await Promise.all(
    [places.velero, places.kit].map(async (bucket) => {
      const answer = await waitFor(
        { until: `object store ${places.endpoint} answers`, every: 3, within: 60, cure: networkCure() },
        async (note) => {
          try {
            const asked = await steadyFetch(`${places.endpoint}/${bucket}`, { method: 'HEAD' })
            note(`status ${asked.status}`)
            return asked.status < 500 && asked.status !== 429 ? asked.status : undefined
          } catch (error) {
            note((error as Error).message)
            return undefined
          }
        },
      )
      return answer === 404 ? bucket : undefined
    }),
  )
  return missing.filter((bucket) => bucket !== undefined)
}

/**
 * Waits until a bucket that is there, or was made just now, can be used with a key: it may answer 404 for minutes
 * (https://github.com/digitalocean/terraform-provider-digitalocean/issues/1153).
 */
export async function waitForBucket(store: Store, bucket: string): Promise<'ours'> {
  return waitFor(
    {
      until: `bucket ${bucket} shows`,
      every: 5,
      within: 300,
      cure: `Run ${again()} in some minutes.`,
    },
    async () => ((await waitForAccess(store, bucket)) === 'ours' ? 'ours' : undefined),
  )
}

/**
 * Waits for a bucket of which the store says that it exists, and which it does not show: an earlier attempt may just have
 * made it; or it was deleted, and DigitalOcean holds its name for some days.
 * @param within seconds
 * @throws Problem with what to do where the name is held
 */
export async function showsOrIsHeld(
  store: Pick<Store, 'look'>,
  bucket: string,
  cluster: string,
  within = 120,
): Promise<void> {
  await waitFor(
    {
      until: `bucket ${bucket} shows`,
      every: 5,
      within,
      cure: `After a bucket was deleted DigitalOcean may hold its name for a week or so. Write other names into ${descriptionPath(cluster)} in your repository (store: {velero: NAME, kit: NAME}), commit that, and run ${again()}; or name the cluster otherwise.`,
    },
    async (note) => {
      note('409 when it is made, 404 when it is looked for')
      return (await store.look(bucket)) === 'missing' ? undefined : true
    },
  )
}

/** A fresh key is refused for some seconds; what is still refused after a minute is somebody else's bucket. */
export async function waitForAccess(store: Store, bucket: string): Promise<'ours' | 'missing'> {
  return waitFor(
    {
      until: `the new key is known for bucket ${bucket}`,
      every: 2,
      within: 60,
      cure: `If ${bucket} belongs to somebody else, name other buckets in cluster.yaml (store.velero, store.kit).`,
    },
    async () => {
      const found = await store.look(bucket)
      return found === 'foreign' ? undefined : found
    },
  )
}

/** Why a bucket cannot be used with a key, as the store answered; undefined when it can. */
export function unusable(
  places: BucketPlaces,
  bucket: string,
  found: 'missing' | 'ours' | 'foreign',
  key: { name: string },
): Problem | undefined {
  if (found === 'ours') return undefined
  if (places.spaces) return new Problem(`bucket ${bucket} is not there`, { cure: `Run ${again()}.` })
  if (found === 'missing')
    return new Problem(`bucket ${bucket} is not there`, { cure: `Make it at ${places.endpoint}.` })
  return new Problem(`the key in ${key.name} may not use bucket ${bucket}`, {
    cure: `Give it to the key at ${places.endpoint}, or name other buckets (store.velero, store.kit).`,
  })
}
