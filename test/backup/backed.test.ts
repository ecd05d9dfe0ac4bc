import { gzipSync } from 'node:zlib'
import t from 'tap'
import { backedVolumes } from '../../lib/backup/backed.ts'
import type { Bucket } from '../../lib/clients/s3.ts'

/** A bucket with a backup `one` of these volumes, in Velero's words. */
function bucketWith(volumes: object[]): Bucket {
  const file = gzipSync(JSON.stringify(volumes))
  const bucket: Partial<Bucket> = {
    get: async (key) => (key === 'backups/one/one-volumeinfo.json.gz' ? file : undefined),
  }
  return bucket as Bucket
}

t.test('volumes come in the order of their claims, not in that in which Velero got them ready', async (t) => {
  const moved = (pvcNamespace: string, pvcName: string) => ({
    ...{ pvcNamespace, pvcName, pvName: `pvc-${pvcName}` },
    ...{ snapshotDataMoved: true, snapshotDataMovementInfo: { size: 7 } },
  })
  const volumes = [moved('shop', 'files'), moved('hello', 'hello'), { ...moved('a', 'a'), skipped: true }]
  t.same(await backedVolumes(bucketWith(volumes), 'one'), [
    { claim: 'hello/hello', volume: 'pvc-hello', kept: 's3', bytes: 7, snapshot: undefined },
    { claim: 'shop/files', volume: 'pvc-files', kept: 's3', bytes: 7, snapshot: undefined },
  ])
  t.same(await backedVolumes(bucketWith([]), 'another'), [], 'a backup without volumes')
})
