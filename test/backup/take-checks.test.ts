import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { backupChecks } from '../../lib/backup/take/take-checks.ts'
import type { DigitalOcean } from '../../lib/clients/digitalocean.ts'
import type { Bucket } from '../../lib/clients/s3.ts'
import type { Kube } from '../../lib/clients/tools.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { nothingThere } from '../digitalocean/nothing-there.ts'
import { bucketWith } from './bucket.ts'

const tags = ['regrow:main']
const none = async () => []
/** A cluster with one volume that has so many snapshots, on a droplet that holds so many volumes. */
function clusterWith(snapshots: number, held: number) {
  const cloud: DigitalOcean = {
    ...nothingThere,
    dropletsTagged: async () => [
      {
        id: '1',
        name: 'main-1',
        status: 'active',
        locked: false,
        size_slug: 's',
        region: { slug: 'fra1' },
        tags,
        volume_ids: Array.from({ length: held }, (_, n) => `v${n}`),
        created_at: '',
        networks: { v4: [] },
      },
    ],
    volumes: async () => [
      { id: 'v0', name: 'pvc-0', size_gigabytes: 1, region: { slug: 'fra1' }, tags, droplet_ids: [1] },
    ],
    volumeSnapshots: async () =>
      Array.from({ length: snapshots }, (_, n) => ({
        id: `s${n}`,
        name: `s${n}`,
        resource_id: 'v0',
        size_gigabytes: 1,
        regions: ['fra1'],
        tags,
      })) as never,
  }
  return { name: 'main', cloud, wanted: { backups: { volumes: 's3' } } } as unknown as Cluster
}
const empty = { list: none } as unknown as Bucket
const said = (
  cluster: Cluster,
  wish: { volumes?: 's3' | 'snapshot' } = {},
  bucket: Bucket = empty,
  kube?: Kube,
) =>
  backupChecks(cluster, bucket, { name: 'a', ...wish }, kube).then(
    () => [],
    ({ all }) => all.map((one: Error) => one.message),
  )

t.test('25 snapshots of a volume are all that DigitalOcean keeps', async (t) => {
  t.same(await said(clusterWith(24, 1), { volumes: 'snapshot' }), [])
  t.same(await said(clusterWith(25, 1), { volumes: 'snapshot' }), [
    'volume pvc-0 has 25 snapshots, and DigitalOcean keeps 25',
  ])
  t.same(await said(clusterWith(25, 1)), [], 'what is moved into the bucket leaves none there')
})

t.test('moving bytes takes one place more than the volumes that are there', async (t) => {
  t.same(await said(clusterWith(0, 14)), [])
  t.same(await said(clusterWith(0, 15)), [
    'droplet main-1 holds 15 volumes, and copying one into the bucket takes one more place',
  ])
  t.same(await said(clusterWith(0, 15), { volumes: 'snapshot' }), [])
  const earlier = clusterWith(0, 7)
  earlier.wanted.versions = { 'csi-digitalocean': 'v4.17.0' }
  t.match(await said(earlier), [/holds 7 volumes/], 'an earlier driver takes fewer')
})

t.test('a machine takes as many as its driver says', async (t) => {
  const dir = t.testdir({ kubectl: '' })
  const drivers = [{ name: 'dobs.csi.digitalocean.com', allocatable: { count: 9 } }]
  const nodes = JSON.stringify({ items: [{ metadata: { name: 'main-1' }, spec: { drivers } }] })
  writeFileSync(join(dir, 'kubectl'), `#!/bin/sh\necho '${nodes}'\n`, { mode: 0o755 })
  chmodSync(join(dir, 'kubectl'), 0o755)
  process.env.REGROW_TOOLS = dir
  t.teardown(() => delete process.env.REGROW_TOOLS)
  const kube = { file: 'none' }
  t.same(await said(clusterWith(0, 8), {}, empty, kube), [])
  t.equal((await said(clusterWith(0, 9), {}, empty, kube)).length, 1)
})

/** A bucket with a backup `a` that was begun so many minutes ago. */
const holding = (minutes: number, phase = 'Completed') =>
  bucketWith({
    a: { status: { phase, startTimestamp: new Date(Date.now() - minutes * 60_000).toISOString() } },
  })

t.test('a name is used once; the same command a moment later finds the backup that it took', async (t) => {
  const taken = ['there is a backup a already']
  t.same(await said(clusterWith(0, 1), {}, await holding(9)), [])
  t.same(await said(clusterWith(0, 1), {}, await holding(11)), taken, 'an old one is not what is wished for')
  t.same(await said(clusterWith(0, 1), { volumes: 'snapshot' }, await holding(1)), taken, 'kept otherwise')
  t.same(await said(clusterWith(0, 1), {}, await holding(1, 'PartiallyFailed')), taken, 'not whole')
})
