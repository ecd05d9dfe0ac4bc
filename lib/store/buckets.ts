import { thisProcess } from '../base/alive.ts'
import { change, holdsLock, mayChange } from '../base/change.ts'
import { isDryRun, wasDryRun } from '../base/dry-run.ts'
import { atEnd } from '../base/ending.ts'
import { names } from '../base/names.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { cloudTime } from '../clients/clock.ts'
import type { DigitalOcean } from '../clients/digitalocean.ts'
import type { SpacesKey } from '../clients/digitalocean-types.ts'
import { lately } from '../clients/lately.ts'
import { type Bucket, connectStore } from '../clients/s3.ts'
import { type BucketPlaces, bucketPlaces, type Cluster } from '../cluster/cluster.ts'
import { isOurs } from '../cluster/ours.ts'
import { removeSpentBundles } from './bundles.ts'
import { missingBuckets, unusable, waitForBucket } from './existence.ts'
import { isAbandoned, isClusterKey, mintKey, removeKey, type SpacesKeyPair } from './keys.ts'
import { nodeRecords, readNote } from './nodes.ts'
import { ofAnotherAccount } from './other-account.ts'
import { ownKey } from './other-store.ts'
import { createBuckets, ensurePast, sweepSetupKeys } from './setup.ts'
import { markBuckets, needOurs } from './whose.ts'

/** The two buckets of a cluster, opened with the operator's key. */
export interface Buckets {
  places: BucketPlaces
  /** What the cluster's own key may touch: backups, nothing else. */
  velero: Bucket
  /** Kit, bundles and node reports: no key for it ever enters the cluster. */
  kit: Bucket
  /** The access key that writes, noted beside what it signed. */
  accessKey(): Promise<string>
}

/**
 * Makes sure of both buckets. They are read with the key that this run reads with already; the operator's key is minted
 * under the lock, when something is to be written. At the end of the run the bundles that no machine needs any more go,
 * and then the key.
 * @param past whether one that was made otherwise is to keep what is deleted, too
 */
export async function ensureBuckets(cluster: Cluster, { past = false } = {}): Promise<Buckets> {
  const buckets = await bucketsNow(cluster, past)
  if (!isDryRun()) atEnd('bundles', () => removeSpentBundles(cluster, buckets.kit))
  return buckets
}

async function bucketsNow(cluster: Cluster, past: boolean): Promise<Buckets> {
  const places = bucketPlaces(cluster)
  if (!places.spaces) return marked(cluster, await open(cluster, places, ownKey(places)))
  await sweepSetupKeys(cluster)
  const missing = await missingBuckets(places)
  if (missing.length > 0) await createBuckets(cluster, places, missing)
  else for (const bucket of [places.velero, places.kit]) tell('=', `bucket ${bucket}`, places.region)
  // Nothing can be imagined about buckets that are there: a dry run reads them.
  if (isDryRun() && missing.length > 0) return imagined(places)
  const buckets = isDryRun()
    ? await reader(cluster, places)
    : await marked(cluster, await written(cluster, places, await readers.get(cluster.cloud)?.get(places.kit)))
  if (past && missing.length === 0) await ensurePast(cluster, places, buckets.kit)
  return buckets
}

/** Buckets that are this cluster's say so before anything else is written into them. */
async function marked(cluster: Cluster, buckets: Buckets): Promise<Buckets> {
  if (!isDryRun()) await markBuckets(cluster, buckets)
  return buckets
}

/** The buckets as runs read them, by the client that looks at DigitalOcean and the kit's bucket: one key a run. */
const readers = new WeakMap<DigitalOcean, Map<string, Promise<Buckets>>>()

function reader(cluster: Cluster, places: BucketPlaces): Promise<Buckets> {
  const known = readers.get(cluster.cloud) ?? new Map<string, Promise<Buckets>>()
  readers.set(cluster.cloud, known)
  const opened = known.get(places.kit) ?? openSpaces(cluster, places, 'read')
  known.set(places.kit, opened)
  opened.catch(() => known.delete(places.kit))
  return opened
}

/** @param seen the same buckets as this run reads them already; without, they are read with the operator's key too */
async function written(cluster: Cluster, places: BucketPlaces, seen: Buckets | undefined): Promise<Buckets> {
  let key: Promise<SpacesKeyPair> | undefined
  let opened: Promise<Buckets> | undefined
  const mint = async () => {
    // Who works without the lock would lose its key to the end of a run that has it.
    await mayChange()
    key = mintOwn(cluster, places, 'readwrite')
    return openedWith(cluster, places, await key)
  }
  const writer = () => {
    opened ??= mint()
    return opened
  }
  const bucket = (which: 'velero' | 'kit'): Bucket => {
    const read = async () => (seen ?? (await writer()))[which]
    const write = async () => (await writer())[which]
    return {
      name: places[which],
      get: async (...words) => (await read()).get(...words),
      exists: async (...words) => (await read()).exists(...words),
      list: async (...words) => (await read()).list(...words),
      versions: async (...words) => (await read()).versions(...words),
      put: async (...words) => (await write()).put(...words),
      putBack: async (...words) => (await write()).putBack(...words),
      remove: async (...words) => (await write()).remove(...words),
      sign: async (...words) => (await write()).sign(...words),
    }
  }
  const kit = bucket('kit')
  atEnd('keys', async () => putAway(cluster, kit, await key?.catch(() => undefined), true))
  if (!seen) await writer()
  return { places, velero: bucket('velero'), kit, accessKey: async () => (await writer()).accessKey() }
}

/**
 * Opens the buckets that are there: with `read` a key is minted that can only read. Undefined when there are none.
 */
export async function openBuckets(
  cluster: Cluster,
  permission: 'read' | 'readwrite',
): Promise<Buckets | undefined> {
  const places = bucketPlaces(cluster)
  if (!places.spaces) return open(cluster, places, ownKey(places))
  if ((await missingBuckets(places)).length > 0) return undefined
  return permission === 'read' ? reader(cluster, places) : openSpaces(cluster, places, permission)
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
): Promise<Buckets> {
  const key = await mintOwn(cluster, places, permission)
  const buckets = await openedWith(cluster, places, key)
  atEnd(`key ${key.name}`, () => putAway(cluster, buckets.kit, key, false))
  return buckets
}

/** Opens the buckets with a key of this run's own, which goes at once where they cannot be used. */
async function openedWith(cluster: Cluster, places: BucketPlaces, key: SpacesKeyPair): Promise<Buckets> {
  try {
    return await open(cluster, places, key)
  } catch (error) {
    await removeKey(cluster, { name: key.name, access_key: key.accessKey })
    throw error
  }
}

/** Mints a key of this run's own for both buckets. */
function mintOwn(
  cluster: Cluster,
  places: BucketPlaces,
  permission: 'read' | 'readwrite',
): Promise<SpacesKeyPair> {
  const make = permission === 'read' ? names.readerKey : names.operatorKey
  return mintKey(
    cluster,
    make(cluster.name, cloudTime(cluster.cloud), thisProcess()),
    [places.velero, places.kit].map((bucket) => `bucket=${bucket};permission=${permission}`),
  )
}

async function open(cluster: Cluster, places: BucketPlaces, key: SpacesKeyPair): Promise<Buckets> {
  const store = await connectStore(places.endpoint, places.region, key, cluster.cloud.clockOffset())
  for (const bucket of [places.velero, places.kit]) {
    // Only a key that was made just now may be refused for a while.
    const found = places.spaces ? await waitForBucket(store, bucket) : await store.look(bucket)
    const problem = unusable(places, bucket, found, key)
    if (problem) throw problem
  }
  await needOurs(cluster, places, store)
  return {
    places,
    velero: store.bucket(places.velero),
    kit: store.bucket(places.kit),
    accessKey: async () => key.accessKey,
  }
}

/** Whether killed runs left keys behind, that the end of a run which may change things puts away. */
export async function keysAreLeft(cluster: Cluster): Promise<boolean> {
  return (await abandoned(cluster, cluster.cloud, true)).length > 0
}

/** Keys of killed runs. @param locked whether this run has, or can take, the cluster's lock */
async function abandoned(cluster: Cluster, cloud: DigitalOcean, locked: boolean): Promise<SpacesKey[]> {
  const now = cloudTime(cluster.cloud).getTime()
  return (await cloud.spacesKeys()).filter(
    (key) => isOurs('spacesKeys', key, cluster.name) && isAbandoned(key, now, locked),
  )
}

/**
 * Removes this run's key, and those that killed runs left; but for keys whose signed URLs a droplet still needs, because
 * it has not reported its last step. Those live seven days at most, as their URLs do.
 * @param locks whether this run works under the cluster's lock: then it is taken where keys are left, as for any change
 */
async function putAway(
  cluster: Cluster,
  kit: Bucket,
  own: SpacesKeyPair | undefined,
  locks: boolean,
): Promise<void> {
  const isFirst = !swept.has(cluster.name) && !wasDryRun()
  swept.add(cluster.name)
  const seen = isFirst ? await abandoned(cluster, lately(cluster.cloud), locks) : []
  const may = seen.length > 0 && (!locks || (await holdsLock()))
  const left = may ? await abandoned(cluster, cluster.cloud, locks) : []
  const needed = (own && locks) || left.length > 0 ? await keysInNeed(kit) : new Set<string>()
  const keys = [...(own ? [{ name: own.name, access_key: own.accessKey }] : []), ...left]
  for (const key of keys) if (!needed.has(key.access_key)) await removeKey(cluster, key)
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
  const others = async (cloud: DigitalOcean) =>
    (await cloud.spacesKeys()).filter((key) => isClusterKey(key, cluster.name) && key.access_key !== inUse)
  if ((await others(lately(cluster.cloud))).length === 0) return
  for (const key of await others(cluster.cloud)) {
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
    versions: async () => [],
    putBack: async () => {},
    sign: async (_method, key) => `<signed URL of ${key}>`,
  })
  return {
    places,
    velero: nothing(places.velero),
    kit: nothing(places.kit),
    accessKey: async () => '<new key>',
  }
}
