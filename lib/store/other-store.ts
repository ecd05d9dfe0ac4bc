import { z } from 'zod'
import { Problem, Problems } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { connectStore, type Store } from '../clients/s3.ts'
import { type BucketPlaces, bucketPlaces, type Cluster } from '../cluster/cluster.ts'
import { unusable } from './existence.ts'
import type { SpacesKeyPair } from './keys.ts'
import { needOurs } from './whose.ts'

/**
 * What is wrong with another store than Spaces: buckets that are not there, the operator's key that does not open
 * both, the cluster's that does not open the backups' bucket or opens the kit as well.
 */
export async function otherStoreProblems(cluster: Cluster): Promise<Problem[]> {
  const places = bucketPlaces(cluster)
  const [own, clusters] = [ownKey(places), clusterOwnKey()]
  const [mine, theirs] = await Promise.all(
    [own, clusters].map((key) =>
      connectStore(places.endpoint, places.region, key, cluster.cloud.clockOffset()),
    ),
  )
  const check = async (bucket: string, store: Store | undefined, key: SpacesKeyPair) =>
    store && unusable(places, bucket, await store.look(bucket), key)
  const found = await Promise.all([
    check(places.velero, mine, own),
    check(places.kit, mine, own),
    check(places.velero, theirs, clusters),
  ])
  const problems = found.filter((one) => one !== undefined)
  if (problems.length === 0 && (await theirs?.look(places.kit)) === 'ours')
    problems.push(
      new Problem(`the key in ${clusters.name} opens bucket ${places.kit} too`, {
        cure: `It will live in the cluster: make one at ${places.endpoint} for ${places.velero} only.`,
      }),
    )
  if (problems.length > 0 || !mine) return problems
  return needOurs(cluster, places, mine).then(
    () => [],
    (error: unknown) => {
      if (error instanceof Problems) return [...error.all]
      if (error instanceof Problem) return [error]
      throw error
    },
  )
}

const storeKey = z.object({ REGROW_STORE_KEY: z.string().min(1), REGROW_STORE_SECRET: z.string().min(1) })

/**
 * The operator's key of another store than Spaces. It is used where it belongs, and Git only names that: the environment says
 * it beside the key.
 * @throws Problem when it is not in the environment, or not for this store
 */
export function ownKey({ endpoint }: Pick<BucketPlaces, 'endpoint'>): SpacesKeyPair {
  const read = storeKey.safeParse(process.env)
  if (!read.success)
    throw new Problem('cluster.yaml names another store, and its key is not set', {
      cure: 'export REGROW_STORE_ENDPOINT=… REGROW_STORE_KEY=… REGROW_STORE_SECRET=… (docs/setup.md)',
      exitCode: 2,
    })
  const { REGROW_STORE_ENDPOINT: own } = process.env
  if (!own || !URL.canParse(own) || new URL(own).origin !== new URL(endpoint).origin)
    throw new Problem(
      `cluster.yaml names the store ${endpoint}, and REGROW_STORE_ENDPOINT ${own ? `is ${own}` : 'is not set'}`,
      {
        cure: 'The kit and every key go there. If it is the store of your keys, set REGROW_STORE_ENDPOINT to it as well. If not, find out who changed store.endpoint in Git.',
        exitCode: 2,
      },
    )
  return {
    name: 'REGROW_STORE_KEY',
    accessKey: read.data.REGROW_STORE_KEY,
    secretKey: new Secret(read.data.REGROW_STORE_SECRET),
  }
}

/**
 * The cluster's own key of another store than Spaces.
 * @throws Problem when it is not in the environment
 */
export function clusterOwnKey(): SpacesKeyPair {
  const { REGROW_VELERO_KEY: key, REGROW_VELERO_SECRET: secret } = process.env
  if (!key || !secret)
    throw new Problem('the cluster’s own key for the other store is not set', {
      cure: 'export REGROW_VELERO_KEY=… REGROW_VELERO_SECRET=…: a key that can touch only the backups’ bucket.',
      exitCode: 2,
    })
  return { name: 'REGROW_VELERO_KEY', accessKey: key, secretKey: new Secret(secret) }
}
