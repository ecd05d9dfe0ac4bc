import { change, mayChange } from '../base/change.ts'
import { isDryRun } from '../base/dry-run.ts'
import { atEnd } from '../base/ending.ts'
import { names } from '../base/names.ts'
import { forAll } from '../base/parallel.ts'
import { tell } from '../base/story.ts'
import { cloudTime } from '../clients/clock.ts'
import type { DigitalOcean } from '../clients/digitalocean.ts'
import { lately } from '../clients/lately.ts'
import { type Bucket, connectStore, type Store, type Version } from '../clients/s3.ts'
import { type BucketPlaces, bucketPlaces, type Cluster } from '../cluster/cluster.ts'
import { isOurs } from '../cluster/ours.ts'
import { missingBuckets, showsOrIsHeld, waitForAccess, waitForBucket } from './existence.ts'
import { isSetupKey, mintKey, removeKey } from './keys.ts'
import { daysKept, daysNoted, keepPast } from './past.ts'
import { markBuckets, markKey, needOurs } from './whose.ts'

/** Makes buckets. A full-access key exists only between “no bucket” and “buckets made”. */
export async function createBuckets(
  cluster: Cluster,
  places: BucketPlaces,
  missing: string[],
): Promise<void> {
  const started = performance.now()
  await withSetupKey(cluster, places, async (store) => {
    if (missing[0] && !isDryRun()) await waitForAccess(store, missing[0])
    if (!isDryRun()) await needOurs(cluster, places, store, usesBut(places, missing))
    await Promise.all(
      missing.map(async (bucket) => {
        await change(`aws s3 mb s3://${bucket} --endpoint-url ${places.endpoint}`, async () => {
          if ((await store.look(bucket)) !== 'missing') return
          if (!(await store.createBucket(bucket))) await showsOrIsHeld(store, bucket, cluster.name)
        })
        if (!isDryRun()) tell('+', `bucket ${bucket}`, places.region, (performance.now() - started) / 1000)
      }),
    )
    if (!isDryRun()) for (const bucket of [places.velero, places.kit]) await waitForBucket(store, bucket)
    const [velero, kit] = [store.bucket(places.velero), store.bucket(places.kit)]
    if (!isDryRun()) await markBuckets(cluster, { velero, kit }, { tells: false })
    await keepPast(cluster, places, store)
  })
}

const usesBut = (places: BucketPlaces, missing: readonly string[]) =>
  (['velero', 'kit'] as const).filter((use) => !missing.includes(places[use]))

/** Makes sure that the backups' bucket, which was there, keeps what is deleted as long as is wanted. */
export async function ensurePast(cluster: Cluster, places: BucketPlaces, kit: Bucket): Promise<void> {
  const days = daysKept(cluster)
  if ((await daysNoted(kit)) === days) return
  await withSetupKey(cluster, places, async (store) => {
    if (!isDryRun()) await waitForAccess(store, places.velero)
    await keepPast(cluster, places, store)
  })
  if (!isDryRun()) tell('~', `bucket ${places.velero}`, `keeps what is deleted for ${days} days`)
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

/** Removes the full-access keys that killed runs left. */
export async function sweepSetupKeys(cluster: Cluster): Promise<void> {
  if (isDryRun()) return
  const left = async (cloud: DigitalOcean) =>
    (await cloud.spacesKeys()).filter(
      (key) => isOurs('spacesKeys', key, cluster.name) && isSetupKey(key.name),
    )
  if ((await left(lately(cluster.cloud))).length === 0) return
  // They may be in use by whoever has the lock.
  await mayChange()
  for (const key of await left(cluster.cloud)) await removeKey(cluster, key)
}

/** Versions that are removed before further ones are listed: a bucket may have more than are read at once. */
const atOnce = 50_000

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
    if (!isDryRun()) {
      for (const name of there) await waitForAccess(store, name)
      await needOurs(cluster, places, store, usesBut(places, missing))
    }
    const empty = async (name: string, prefix?: string) => {
      const bucket = store.bucket(name)
      const isMark = ({ key }: Version) => key === markKey
      const remove = ({ key, id }: Version) => bucket.remove(key, id)
      const isPast = ({ isDeletion, isLatest }: Version) => isDeletion || !isLatest
      for (let past = 0; ; ) {
        const some = await bucket.versions(prefix, atOnce)
        const others = some.filter((one) => !isMark(one))
        await forAll(others, remove, 8)
        past += others.filter(isPast).length
        if (some.length >= atOnce && others.length > 0) continue
        // Last: who comes after a kill must know whose it is.
        const marks = some.filter(isMark)
        await forAll(marks, remove, 8)
        return past + marks.filter(isPast).length
      }
    }
    // First what the machines reported: who comes after a kill must not hear of machines whose backups and kit are gone.
    if (there.includes(places.kit))
      await change(
        `aws s3 rm s3://${places.kit}/nodes/ --recursive --endpoint-url ${places.endpoint}`,
        async () => {
          await empty(places.kit, 'nodes/')
        },
      )
    for (const name of there) {
      let past = 0
      await change(`aws s3 rb s3://${name} --force --endpoint-url ${places.endpoint}`, async () => {
        past = await empty(name)
        await store.removeBucket(name)
      })
      const what = past > 0 ? `with ${past} earlier versions and delete marks` : ''
      if (!isDryRun()) tell('-', `bucket ${name}`, what)
    }
  })
}
