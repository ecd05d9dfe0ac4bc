import t from 'tap'
import type { BucketPlaces, Cluster } from '../../lib/cluster/cluster.ts'
import { markBuckets, needOurs } from '../../lib/store/whose.ts'
import { memoryBucket } from './kept.ts'

// Another store than Spaces, where a key tells nothing of who uses a bucket.

const places = {
  spaces: false,
  endpoint: 'https://s3.example.org',
  region: 'somewhere',
  velero: 'velero',
  kit: 'kit',
} as BucketPlaces
const cluster = {
  ...{ name: 'main', vouched: new Set(), login: 'bob', place: { owner: 'bob', name: 'regrow-main' } },
} as unknown as Cluster

function world() {
  const buckets = {
    velero: memoryBucket('velero'),
    kit: memoryBucket('kit'),
    theirs: memoryBucket('theirs'),
  }
  buckets.kit.files.set('kit.json', Buffer.from(JSON.stringify({ cluster: 'main' })))
  for (const one of [buckets.velero, buckets.theirs])
    one.files.set('backups/daily/velero-backup.json', Buffer.from('{}'))
  const store = {
    bucket: (name: string) => buckets[name as keyof typeof buckets],
    top: async (name: string) => [
      ...new Set(
        [...buckets[name as keyof typeof buckets].files.keys()].map((key) => key.replace(/\/.*/, '/')),
      ),
    ],
  }
  return { buckets, store }
}

t.test('buckets that an earlier regrow did not mark are the cluster’s by its kit', async (t) => {
  const { store } = world()
  await t.resolves(needOurs(cluster, places, store))
})

t.test('beside a marked kit Git’s word makes no other Velero’s bucket the cluster’s', async (t) => {
  const { buckets, store } = world()
  await markBuckets(cluster, buckets, { tells: false })
  await t.resolves(needOurs(cluster, places, store))
  await t.rejects(needOurs(cluster, { ...places, velero: 'theirs' }, store), {
    message: /bucket theirs is not the one of cluster main for its backups: regrow did not make it/,
    cure: /--adopt-buckets theirs/,
  })
})
