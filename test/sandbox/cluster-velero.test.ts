import { mkdirSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { untar } from '../../sandbox/cluster/tar.ts'
import { textAt } from '../../sandbox/cluster/tree.ts'
import { bucketOf } from '../../sandbox/cluster/velero/bucket.ts'
import { apply, claim, eventually } from './cluster-ground.ts'
import { backup, location, withVelero } from './velero-ground.ts'

t.test('a backup lies in the bucket in Velero’s layout, and another cluster finds it there', async (t) => {
  const { on, one, cloud, reached } = await withVelero(t)
  apply(one, location())
  await reached('BackupStorageLocation', 'default', 'Available')
  apply(one, claim('data'))
  const bound = await eventually(one, () => one.store.list('PersistentVolume')[0])
  const folder = on.world.path('volumes', textAt(bound, 'spec', 'csi', 'volumeHandle'))
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/file`, 'bytes')
  apply(
    one,
    '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"left-out","namespace":"default","labels":{"velero.io/exclude-from-backup":"true"}}}',
  )
  apply(
    one,
    backup('first', { excludedNamespaces: ['velero', 'kube-system'], snapshotMoveData: true, ttl: '24h' }),
  )
  await reached('Backup', 'first', 'Completed')
  t.same(cloud.snapshots, [], 'the temporary snapshot is gone')

  const bucket = await bucketOf(one, one.store.get('BackupStorageLocation', 'velero', 'default'))
  const file = async (name: string) => bucket.get(`backups/first/${name}`)
  const json = async (name: string) => JSON.parse(gunzipSync(await file(name)).toString())
  t.match(JSON.parse((await file('velero-backup.json')).toString()), {
    status: { phase: 'Completed', expiration: String },
  })
  t.match(await json('first-volumeinfo.json.gz'), [
    { pvcName: 'data', snapshotDataMoved: true, result: 'succeeded' },
  ])
  t.match(await json('first-resource-list.json.gz'), {
    'v1/PersistentVolumeClaim': ['default/data'],
    'v1/PersistentVolume': [bound.metadata.name],
  })
  const inside = [...(await untar(await file('first.tar.gz'))).keys()]
  t.ok(inside.includes('resources/persistentvolumeclaims/namespaces/default/data.json'))
  t.notOk(inside.some((name) => name.includes('left-out') || name.includes('namespaces/kube-system')))
  const moved = (await bucket.list('kopia/default/'))[0] ?? ''
  t.notMatch((await bucket.get(moved)).toString('latin1'), 'bytes', 'what was moved is locked')

  apply(
    one,
    JSON.stringify({
      apiVersion: 'velero.io/v1',
      kind: 'DownloadRequest',
      metadata: { name: 'd', namespace: 'velero' },
      spec: { target: { kind: 'BackupLog', name: 'first' } },
    }),
  )
  await reached('DownloadRequest', 'd', 'Processed')
  const url = textAt(one.store.get('DownloadRequest', 'velero', 'd'), 'status', 'downloadURL')
  t.match(gunzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).toString(), /simulated/)

  // As `backup_sync_controller.go`: one that cannot be read keeps none of the others away.
  await bucket.put(
    'backups/before/velero-backup.json',
    Buffer.from('{"metadata":{"name":"before"}} and more'),
  )
  one.store.remove('Backup', 'velero', 'first')
  one.store.remove('BackupStorageLocation', 'velero', 'default')
  apply(one, location({ accessMode: 'ReadOnly' }))
  await reached('Backup', 'first', 'Completed')
  t.notOk(one.store.find('Backup', 'velero', 'before'))
  await bucket.remove('backups/before/velero-backup.json')
  apply(one, backup('second'))
  await reached('Backup', 'second', 'FailedValidation')
  apply(one, location({ accessMode: 'ReadWrite' }))
  apply(
    one,
    JSON.stringify({
      apiVersion: 'velero.io/v1',
      kind: 'DeleteBackupRequest',
      metadata: { name: 'x', namespace: 'velero' },
      spec: { backupName: 'first' },
    }),
  )
  await eventually(one, () => !one.store.find('DeleteBackupRequest', 'velero', 'x'))
  t.match(
    await bucket.list(''),
    [/^kopia\/default\/.*\.struck-off$/],
    'a deleted backup leaves a note in kopia’s repository',
  )
})

t.test('a backup for which nobody named a time is kept for thirty days', async (t) => {
  const { one, reached } = await withVelero(t)
  apply(one, location())
  await reached('BackupStorageLocation', 'default', 'Available')
  // As `velero backup create` sends it without --ttl.
  apply(one, backup('first', { ttl: '0s' }))
  await reached('Backup', 'first', 'Completed')
  const made = one.store.get('Backup', 'velero', 'first')
  t.equal(textAt(made, 'spec', 'ttl'), '720h0m0s')
  const kept = Date.parse(textAt(made, 'status', 'expiration')) - Date.now()
  t.ok(Math.abs(kept / 86_400_000 - 30) < 0.1)
})

t.test('a volume kept as a snapshot at DigitalOcean', async (t) => {
  const { one, cloud, reached } = await withVelero(t)
  apply(one, location())
  apply(one, claim('data'))
  await eventually(one, () => one.store.list('PersistentVolume')[0])
  await reached('BackupStorageLocation', 'default', 'Available')
  apply(one, backup('first'))
  await reached('Backup', 'first', 'Completed')
  t.match(cloud.snapshots, [{ tags: ['regrow:main'] }])
  t.match(one.store.get('Backup', 'velero', 'first'), { status: { csiVolumeSnapshotsCompleted: 1 } })
})

t.test('a wrong key makes the location unavailable with the store’s word', async (t) => {
  const { one, reached } = await withVelero(t, 'wrong')
  apply(one, location())
  await reached('BackupStorageLocation', 'default', 'Unavailable')
  t.match(
    textAt(one.store.get('BackupStorageLocation', 'velero', 'default'), 'status', 'message'),
    /SignatureDoesNotMatch/,
  )
})

t.test('a schedule is accepted or refused', async (t) => {
  const { one, reached } = await withVelero(t)
  const schedule = (name: string, cron: string) =>
    JSON.stringify({
      apiVersion: 'velero.io/v1',
      kind: 'Schedule',
      metadata: { name, namespace: 'velero' },
      spec: { schedule: cron },
    })
  apply(one, `${schedule('daily', '0 3 * * *')}\n---\n${schedule('odd', 'daily')}`)
  await reached('Schedule', 'daily', 'Enabled')
  await reached('Schedule', 'odd', 'FailedValidation')
})
