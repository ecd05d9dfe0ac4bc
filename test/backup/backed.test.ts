import t from 'tap'
import { backedVolumes } from '../../lib/backup/backed.ts'
import { bytesIn } from '../../lib/backup/bytes.ts'
import { bucketWith, clusterWith, moved, skipped, snapped } from './bucket.ts'

t.test('volumes come in the order of their claims, not in that in which Velero got them ready', async (t) => {
  const volumes = [
    moved('shop', 'files'),
    snapped('hello', 'hello'),
    skipped('a', 'a', 'no CSI volume'),
    { ...moved('b', 'b'), result: 'failed' },
    { backupMethod: 'PodVolumeBackup', result: 'succeeded', pvbInfo: { podName: 'web-0' } },
  ]
  const bucket = await bucketWith({ one: { volumes }, old: { volumes: null } })
  const bytes = bytesIn(bucket, clusterWith())
  t.same(
    await backedVolumes(bucket, 'one', bytes),
    [
      { claim: 'hello/hello', volume: 'pvc-hello', kept: 'snapshot', bytes: undefined, snapshot: 's-1' },
      { claim: 'shop/files', volume: 'pvc-files', kept: 's3', bytes: 7, snapshot: undefined },
    ],
    'and those alone that a restore can bring back',
  )
  const bytesGone = bytesIn(await bucketWith({}, []), clusterWith([]))
  t.same(await backedVolumes(bucket, 'one', bytesGone), [], 'whose bytes are there')
  t.same(await backedVolumes(bucket, 'old', bytes), [], 'a backup that says nothing')
})
