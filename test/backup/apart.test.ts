import t from 'tap'
import { snapshotsApart } from '../../lib/backup/restore/apart.ts'
import type { Snapshot } from '../../lib/clients/digitalocean-types.ts'
import { bucketWith, clusterWith, snapped } from './bucket.ts'

const snapshot = (id: string, resource_id: string) =>
  ({
    id,
    name: `snapshot-${id}`,
    resource_id,
    size_gigabytes: 10,
    created_at: '2026-11-23T03:00:00Z',
  }) as Snapshot

t.test('snapshots that no backup has are told with their claims, their ids and their price', async (t) => {
  const bucket = await bucketWith({ one: { volumes: [snapped('shop', 'db', 'of-velero')] } })
  const snapshots = [snapshot('of-velero', 'v1'), snapshot('mine', 'v1'), snapshot('older', 'v0')]
  t.same(
    await snapshotsApart(bucket, clusterWith(['of-velero', 'mine']), { snapshots }, [
      { handle: 'v1', claim: 'shop/db' },
    ]),
    [
      'snapshot snapshot-mine (mine) of claim shop/db, 2026-11-23: no backup has it, so it is not restored  $0.60',
      'snapshot snapshot-older (older) of a volume that is not in the backup, 2026-11-23: no backup has it, so it is not restored  $0.60',
    ],
  )
  t.same(await snapshotsApart(bucket, clusterWith(['of-velero', 'mine']), { snapshots: [] }, []), [])
  t.notOk(
    (
      await snapshotsApart(
        bucket,
        clusterWith(['of-velero', 'mine']),
        { snapshots: [snapshot('of-velero', 'v1')] },
        [],
      )
    ).length,
  )
})
