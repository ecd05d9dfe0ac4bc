import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { textAt } from '../../../sandbox/cluster/tree.ts'
import { apply, claim, eventually } from '../../sandbox/cluster-ground.ts'
import { backup, location, withVelero } from '../../sandbox/velero-ground.ts'
import { lacksVelero, startVelero } from './velero.ts'

// REAL: the velero command line and server with its S3 plugin, etcd, kube-apiserver. SIMULATED: the cluster whose backup
// they read, Spaces. Volumes stay out of it: paper moves their bytes in a format of its own, and says so in the backup.

const skip = lacksVelero()

t.test('the real Velero reads a bucket that paper wrote', { skip, timeout: 600_000 }, async (t) => {
  const paper = await withVelero(t)
  apply(paper.one, location())
  await paper.reached('BackupStorageLocation', 'default', 'Available')
  apply(paper.one, claim('data'))
  const bound = await eventually(paper.one, () => paper.one.store.list('PersistentVolume')[0])
  const folder = paper.on.world.path('volumes', textAt(bound, 'spec', 'csi', 'volumeHandle'))
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/file`, 'bytes')
  apply(paper.one, things)
  apply(
    paper.one,
    backup('by-paper', { excludedNamespaces: ['velero', 'kube-system'], snapshotMoveData: true }),
  )
  await paper.reached('Backup', 'by-paper', 'Completed')

  const { kube, velero, tail } = await startVelero(t, paper.on.world, 'ReadOnly')

  await t.test('it is listed', async (t) => {
    // The server looks into the bucket once a minute.
    await kube('wait', '--for=create', 'backup/by-paper', '-n', 'velero', '--timeout=300s').catch(() =>
      t.fail(`it is not found: ${tail()}`),
    )
    t.match(await velero('backup', 'get'), /by-paper +Completed +0 +0/)
  })

  await t.test('it is described, and what became of its volume is called simulated', async (t) => {
    const told = await velero('backup', 'describe', 'by-paper', '--details', '--colorized=false')
    t.match(told, /Phase: +Completed/)
    t.match(told, /v1\/Secret:\n(.*\n)*? +- shop\/only-here/)
    t.match(told, /default\/data:\n +Data Movement:\n(.*\n)*? +Uploader Type: simulated/)
  })

  await t.test('its log is read', async (t) => {
    t.match(await velero('backup', 'logs', 'by-paper'), 'paper Velero (simulated) backed up')
  })

  await t.test('its objects are restored', async (t) => {
    const without = 'persistentvolumeclaims,persistentvolumes'
    const words = ['--from-backup', 'by-paper', '--exclude-resources', without, '--wait']
    t.match(await velero('restore', 'create', 'back', ...words), 'completed with status: Completed')
    t.equal(await kube('get', 'secret', 'only-here', '-n', 'shop', '-o', 'jsonpath={.data.word}'), 'aGVsbG8=')
    t.equal(await kube('get', 'configmap', 'note', '-n', 'shop', '-o', 'jsonpath={.data.by}'), 'hand')
    t.match(await velero('restore', 'describe', 'back', '--colorized=false'), /Phase: +Completed/)
    t.match(await velero('restore', 'logs', 'back'), 'restore completed')
  })
})

const things = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'only-here', namespace: 'shop' },
    data: { word: 'aGVsbG8=' },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'note', namespace: 'shop' },
    data: { by: 'hand' },
  },
]
  .map((one) => JSON.stringify(one))
  .join('\n---\n')
