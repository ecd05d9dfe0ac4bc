import { z } from 'zod'
import { change, mayChange } from '../change.ts'
import { type BucketPlaces, bucketPlaces, type Cluster } from '../cluster/cluster.ts'
import { names } from '../cluster/names.ts'
import { isOurs } from '../cluster/ours.ts'
import { cloudTime } from '../digitalocean/clock.ts'
import { isDryRun } from '../dry-run.ts'
import { atEnd } from '../ending.ts'
import { networkCure } from '../environment.ts'
import { Problem } from '../problem.ts'
import { Secret } from '../secret.ts'
import { tell } from '../story.ts'
import { waitFor } from '../wait.ts'
import {
  isClusterKey,
  isOfThisRun,
  isSetupKey,
  isShortLived,
  mintKey,
  removeKey,
  type SpacesKeyPair,
} from './keys.ts'
import { nodeRecords } from './nodes.ts'
import { type Bucket, connectStore, type Store } from './s3.ts'

/** The two buckets of a cluster, opened with the operator's key. */
export interface Buckets {
  places: BucketPlaces
  /** What the cluster's own key may touch: backups, nothing else. */
  velero: Bucket
  /** Kit, bundles and node reports: no key for it ever enters the cluster. */
  kit: Bucket
  /** The operator's access key, noted beside what it signed. */
  accessKey: string
}

/** Makes sure of both buckets and opens them with an operator's key that is put away at the end of the run. */
export async function ensureBuckets(cluster: Cluster): Promise<Buckets> {
  const places = bucketPlaces(cluster)
  if (!places.spaces) return open(cluster, places, ownKey())
  await sweepSetupKeys(cluster)
  const missing = await missingBuckets(places)
  if (missing.length > 0) await createBuckets(cluster, places, missing)
  else for (const bucket of [places.velero, places.kit]) tell('=', `bucket ${bucket}`, places.region)
  if (isDryRun()) return imagined(places)
  return openSpaces(cluster, places, 'readwrite', true)
}

/**
 * Opens the buckets that are there: with `read` a key is minted that can only read. Undefined when there are none. Keys
 * that killed runs left are for flows to sweep that hold the cluster's lock.
 */
export async function openBuckets(
  cluster: Cluster,
  permission: 'read' | 'readwrite',
): Promise<Buckets | undefined> {
  const places = bucketPlaces(cluster)
  if (!places.spaces) return open(cluster, places, ownKey())
  if ((await missingBuckets(places)).length > 0) return undefined
  return openSpaces(cluster, places, permission, false)
}

/** The buckets of a cluster whose backups are to be read, with a key that can only read. @throws Problem */
export async function needBuckets(
  cluster: Cluster,
  cure = 'Nothing can be brought back without them. Is it the right cluster (--name), account and repository (--repo)?',
): Promise<Buckets> {
  const places = bucketPlaces(cluster)
  const buckets = await openBuckets(cluster, 'read')
  if (buckets) return buckets
  throw new Problem(`there are no buckets ${places.velero} and ${places.kit} in ${places.region}`, {
    cure,
  })
}

/**
 * Which of the two buckets do not exist, asked without a key: S3 answers 404 for a missing bucket and 403 for one that
 * is somebody's. A key of ours cannot tell before the bucket is there, because grants are per bucket.
 */
export async function missingBuckets(places: BucketPlaces): Promise<string[]> {
  const missing = await Promise.all(
    [places.velero, places.kit].map(async (bucket) => {
      const answer = await waitFor(
        { wish: `object store ${places.endpoint}`, every: 3, within: 60, cure: networkCure() },
        async (note) => {
          try {
            const asked = await fetch(`${places.endpoint}/${bucket}`, {
              method: 'HEAD',
              signal: AbortSignal.timeout(15_000),
            })
            note(`status ${asked.status}`)
            return asked.status < 500 && asked.status !== 429 ? asked.status : undefined
          } catch (error) {
            // fetch says only that it failed; its cause says why.
            const { cause, message } = error as Error
            note(cause instanceof Error ? cause.message : message)
            return undefined
          }
        },
      )
      return answer === 404 ? bucket : undefined
    }),
  )
  return missing.filter((bucket) => bucket !== undefined)
}

/** A full-access key exists only between “no bucket” and “buckets made”. */
async function createBuckets(cluster: Cluster, places: BucketPlaces, missing: string[]): Promise<void> {
  const started = performance.now()
  await withSetupKey(cluster, places, async (store) => {
    if (missing[0] && !isDryRun()) await accepted(store, missing[0])
    await Promise.all(
      missing.map(async (bucket) => {
        await change(`aws s3 mb s3://${bucket} --endpoint-url ${places.endpoint}`, async () => {
          if ((await store.look(bucket)) === 'missing') await store.createBucket(bucket)
        })
        if (!isDryRun()) tell('+', `bucket ${bucket}`, places.region, (performance.now() - started) / 1000)
      }),
    )
  })
}

/** Works with a full-access key that goes as soon as the work is done, also after a failure and after Ctrl-C. */
async function withSetupKey(
  cluster: Cluster,
  places: BucketPlaces,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  if (!isDryRun()) await mayChange()
  const key = await mintKey(cluster, names.setupKey(cluster.name, cloudTime(cluster.cloud)), [
    'bucket=;permission=fullaccess',
  ])
  const away = atEnd('full-access key', () =>
    removeKey(cluster, { name: key.name, access_key: key.accessKey }),
  )
  try {
    await work(await connectStore(places.endpoint, places.region, key, cluster.cloud.clockOffset()))
  } finally {
    await away()
  }
}

async function openSpaces(
  cluster: Cluster,
  places: BucketPlaces,
  permission: 'read' | 'readwrite',
  sweeps: boolean,
): Promise<Buckets> {
  const make = permission === 'read' ? names.readerKey : names.operatorKey
  const key = await mintKey(
    cluster,
    make(cluster.name, cloudTime(cluster.cloud)),
    [places.velero, places.kit].map((bucket) => `bucket=${bucket};permission=${permission}`),
  )
  const buckets = await open(cluster, places, key)
  if (!sweeps)
    atEnd(`key ${key.name}`, () => removeKey(cluster, { name: key.name, access_key: key.accessKey }))
  else atEnd('operator’s key', () => putAway(cluster, buckets))
  return buckets
}

async function open(cluster: Cluster, places: BucketPlaces, key: SpacesKeyPair): Promise<Buckets> {
  const store = await connectStore(places.endpoint, places.region, key, cluster.cloud.clockOffset())
  for (const bucket of [places.velero, places.kit]) {
    // Only a key that was made just now may be refused for a while.
    const found = places.spaces ? await accepted(store, bucket) : await store.look(bucket)
    const problem = unusable(places, bucket, found, key)
    if (problem) throw problem
  }
  return {
    places,
    velero: store.bucket(places.velero),
    kit: store.bucket(places.kit),
    accessKey: key.accessKey,
  }
}

function unusable(
  places: BucketPlaces,
  bucket: string,
  found: 'missing' | 'ours' | 'foreign',
  key: { name: string },
): Problem | undefined {
  if (found === 'ours') return undefined
  if (places.spaces)
    return new Problem(`bucket ${bucket} is not there`, { cure: 'Run the same command again.' })
  if (found === 'missing')
    return new Problem(`bucket ${bucket} is not there`, { cure: `Make it at ${places.endpoint}.` })
  return new Problem(`the key in ${key.name} may not use bucket ${bucket}`, {
    cure: `Give it to the key at ${places.endpoint}, or name other buckets (store.velero, store.kit).`,
  })
}

/**
 * What is wrong with another store than Spaces: buckets that are not there, the operator's key that does not open
 * both, the cluster's that does not open the backups' bucket or opens the kit as well.
 */
export async function otherStoreProblems(cluster: Cluster): Promise<Problem[]> {
  const places = bucketPlaces(cluster)
  const [own, clusters] = [ownKey(), clusterOwnKey()]
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
        cure: `It will live in the cluster: make one at ${places.endpoint} for ${places.velero} alone.`,
      }),
    )
  return problems
}

/** A fresh key is refused for some seconds; what is still refused after a minute is somebody else's bucket. */
async function accepted(store: Store, bucket: string): Promise<'ours' | 'missing'> {
  return waitFor(
    {
      wish: `the new key is known for bucket ${bucket}`,
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

/** Whether killed runs left short-lived keys behind, that the end of a run which may change things puts away. */
export async function keysAreLeft(cluster: Cluster, own: Buckets): Promise<boolean> {
  return (await cluster.cloud.spacesKeys()).some(
    (key) =>
      isOurs('spacesKey', key, cluster.name) && isShortLived(key.name) && key.access_key !== own.accessKey,
  )
}

/**
 * Removes this run's key, and under the lock those that killed runs left; but for keys whose signed URLs a droplet
 * still needs, because it has not reported its last step. Those live seven days at most, as their URLs do.
 */
async function putAway(cluster: Cluster, buckets: Buckets): Promise<void> {
  const needed = new Set(
    (await nodeRecords(buckets.kit)).filter((record) => !record.finished).map((record) => record.accessKey),
  )
  const weekAgo = Date.now() - 7 * 24 * 3600_000
  const unneeded = (await cluster.cloud.spacesKeys()).filter(
    (key) =>
      isOurs('spacesKey', key, cluster.name) &&
      isShortLived(key.name) &&
      !(needed.has(key.access_key) && Date.parse(key.created_at) > weekAgo),
  )
  const own = unneeded.find((key) => key.access_key === buckets.accessKey)
  const left = unneeded.filter((key) => !isOfThisRun(key))
  if (
    left.length > 0 &&
    (await mayChange().then(
      () => true,
      () => false,
    ))
  )
    for (const key of left) await removeKey(cluster, key)
  if (own) await removeKey(cluster, own)
}

async function sweepSetupKeys(cluster: Cluster): Promise<void> {
  if (isDryRun()) return
  const left = (await cluster.cloud.spacesKeys()).filter(
    (key) => isOurs('spacesKey', key, cluster.name) && isSetupKey(key.name),
  )
  // They may be in use by whoever has the lock.
  if (left.length > 0) await mayChange()
  for (const key of left) await removeKey(cluster, key)
}

/**
 * Removes the cluster's own keys of earlier first servers, which also ends any second writer to the backups.
 * @param server the first server in use: the note beside its bundle tells which key went into the cluster with it
 */
export async function retireClusterKeys(cluster: Cluster, buckets: Buckets, server: string): Promise<void> {
  if (!buckets.places.spaces) return
  const inUse = (await nodeRecords(buckets.kit)).find((one) => one.name === server)?.veleroKey
  if (!inUse) return
  for (const key of await cluster.cloud.spacesKeys())
    if (isClusterKey(key, cluster.name) && key.access_key !== inUse) {
      await removeKey(cluster, key)
      tell('-', `key ${key.name}`, 'of an earlier server')
    }
}

/**
 * Empties and deletes both buckets, with a full-access key that exists only for that; buckets of another store than
 * Spaces are the person's.
 */
export async function deleteBuckets(cluster: Cluster): Promise<void> {
  const places = bucketPlaces(cluster)
  if (!places.spaces) return
  const missing = await missingBuckets(places)
  const there = [places.velero, places.kit].filter((bucket) => !missing.includes(bucket))
  if (there.length === 0) return
  await withSetupKey(cluster, places, async (store) => {
    for (const name of there) {
      await change(`aws s3 rb s3://${name} --force --endpoint-url ${places.endpoint}`, async () => {
        await accepted(store, name)
        const bucket = store.bucket(name)
        for (const object of await bucket.list()) await bucket.remove(object.key)
        await store.removeBucket(name)
      })
      if (!isDryRun()) tell('-', `bucket ${name}`)
    }
  })
}

const storeKey = z.object({ REGROW_STORE_KEY: z.string().min(1), REGROW_STORE_SECRET: z.string().min(1) })

/** The operator's key of another store than Spaces. @throws Problem when it is not in the environment */
function ownKey(): SpacesKeyPair {
  const read = storeKey.safeParse(process.env)
  if (!read.success)
    throw new Problem('cluster.yaml names another store, and its key is not set', {
      cure: 'export REGROW_STORE_KEY=… REGROW_STORE_SECRET=… (docs/setup.md)',
      exitCode: 2,
    })
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

function imagined(places: BucketPlaces): Buckets {
  const nothing = (name: string): Bucket => ({
    name,
    get: async () => undefined,
    put: async (key) => change(`aws s3 cp - s3://${name}/${key}`, async () => {}),
    exists: async () => false,
    list: async () => [],
    remove: async () => {},
    sign: async (_method, key) => `<signed URL of ${key}>`,
  })
  return { places, velero: nothing(places.velero), kit: nothing(places.kit), accessKey: '<new key>' }
}
