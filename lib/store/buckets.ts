import { thisProcess } from '../alive.ts'
import { change, holdsLock } from '../change.ts'
import { cloudTime } from '../clients/clock.ts'
import type { SpacesKey } from '../clients/digitalocean-types.ts'
import { type Bucket, connectStore } from '../clients/s3.ts'
import { type BucketPlaces, bucketPlaces, type Cluster } from '../cluster/cluster.ts'
import { names } from '../cluster/names.ts'
import { isOurs } from '../cluster/ours.ts'
import { isDryRun, wasDryRun } from '../dry-run.ts'
import { atEnd } from '../ending.ts'
import { Problem } from '../problem.ts'
import { tell } from '../story.ts'
import { removeSpentBundles } from './bundles.ts'
import { missingBuckets, unusable, usable } from './existence.ts'
import { isAbandoned, isClusterKey, mintKey, type OwnKey, removeKey, type SpacesKeyPair } from './keys.ts'
import { nodeRecords, readNote } from './nodes.ts'
import { ofAnotherAccount } from './other-account.ts'
import { ownKey } from './other-store.ts'
import { createBuckets, sweepSetupKeys } from './setup.ts'

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

/**
 * Makes sure of both buckets and opens them with an operator's key. At the end of the run the bundles that no machine
 * needs any more go, and then the key.
 */
export async function ensureBuckets(cluster: Cluster): Promise<Buckets> {
  const buckets = await bucketsNow(cluster)
  if (!isDryRun()) atEnd('bundles', () => removeSpentBundles(cluster, buckets.kit))
  return buckets
}

async function bucketsNow(cluster: Cluster): Promise<Buckets> {
  const places = bucketPlaces(cluster)
  if (!places.spaces) return open(cluster, places, ownKey())
  await sweepSetupKeys(cluster)
  const missing = await missingBuckets(places)
  if (missing.length > 0) await createBuckets(cluster, places, missing)
  else for (const bucket of [places.velero, places.kit]) tell('=', `bucket ${bucket}`, places.region)
  // Nothing can be imagined about buckets that are there: a dry run reads them.
  if (isDryRun()) return missing.length > 0 ? imagined(places) : openSpaces(cluster, places, 'read', false)
  return openSpaces(cluster, places, 'readwrite', true)
}

/**
 * Opens the buckets that are there: with `read` a key is minted that can only read. Undefined when there are none.
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
  throw (
    (await ofAnotherAccount(cluster)) ??
    new Problem(`there are no buckets ${places.velero} and ${places.kit} in ${places.region}`, { cure })
  )
}

async function openSpaces(
  cluster: Cluster,
  places: BucketPlaces,
  permission: 'read' | 'readwrite',
  locks: boolean,
): Promise<Buckets> {
  const make = permission === 'read' ? names.readerKey : names.operatorKey
  const key = await mintKey(
    cluster,
    make(cluster.name, cloudTime(cluster.cloud), thisProcess()),
    [places.velero, places.kit].map((bucket) => `bucket=${bucket};permission=${permission}`),
  )
  const buckets = await open(cluster, places, key)
  const own = { name: key.name, access_key: key.accessKey }
  atEnd(`key ${key.name}`, () => putAway(cluster, buckets, own, locks))
  return buckets
}

async function open(cluster: Cluster, places: BucketPlaces, key: SpacesKeyPair): Promise<Buckets> {
  const store = await connectStore(places.endpoint, places.region, key, cluster.cloud.clockOffset())
  for (const bucket of [places.velero, places.kit]) {
    // Only a key that was made just now may be refused for a while.
    const found = places.spaces ? await usable(store, bucket) : await store.look(bucket)
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

/** Whether killed runs left keys behind, that the end of a run which may change things puts away. */
export async function keysAreLeft(cluster: Cluster): Promise<boolean> {
  return (await abandoned(cluster, true)).length > 0
}

/** Keys of killed runs. @param locked whether this run has, or can take, the cluster's lock */
async function abandoned(cluster: Cluster, locked: boolean): Promise<SpacesKey[]> {
  const now = cloudTime(cluster.cloud).getTime()
  return (await cluster.cloud.spacesKeys()).filter(
    (key) => isOurs('spacesKey', key, cluster.name) && isAbandoned(key, now, locked),
  )
}

/**
 * Removes this run's key, and those that killed runs left; but for keys whose signed URLs a droplet still needs, because
 * it has not reported its last step. Those live seven days at most, as their URLs do.
 * @param locks whether this run works under the cluster's lock: then it is taken where keys are left, as for any change
 */
async function putAway(cluster: Cluster, buckets: Buckets, own: OwnKey, locks: boolean): Promise<void> {
  const isFirst = !swept.has(cluster.name) && !wasDryRun()
  swept.add(cluster.name)
  const found = isFirst ? await abandoned(cluster, locks) : []
  const left = found.length > 0 && locks && !(await holdsLock()) ? [] : found
  const needed = locks || left.length > 0 ? await keysInNeed(buckets.kit) : new Set<string>()
  for (const key of [own, ...left]) if (!needed.has(key.access_key)) await removeKey(cluster, key)
}

/** Clusters whose abandoned keys this run has looked for at its end: once is enough. */
const swept = new Set<string>()

/** Access keys that signed what a droplet may still have to use. */
async function keysInNeed(kit: Bucket): Promise<Set<string>> {
  const weekAgo = Date.now() - 7 * 24 * 3600_000
  const open = (await nodeRecords(kit)).filter((one) => !one.finished && Date.parse(one.at) > weekAgo)
  return new Set(open.map((record) => record.accessKey))
}

/**
 * Removes the cluster's own keys of earlier first servers, which also ends any second writer to the backups.
 * @param server the first server in use: the note beside its bundle tells which key went into the cluster with it
 */
export async function retireClusterKeys(cluster: Cluster, buckets: Buckets, server: string): Promise<void> {
  if (!buckets.places.spaces) return
  const inUse = (await readNote(buckets.kit, server))?.veleroKey
  if (!inUse) return
  for (const key of await cluster.cloud.spacesKeys())
    if (isClusterKey(key, cluster.name) && key.access_key !== inUse) {
      await removeKey(cluster, key)
      tell('-', `key ${key.name}`, 'of an earlier server')
    }
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
