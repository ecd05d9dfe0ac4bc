import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { makeClusterAuthorities } from '../../../lib/node/certificates.ts'
import { textAt } from '../../../sandbox/cluster/tree.ts'
import { apply, claim, eventually } from '../../sandbox/cluster-ground.ts'
import { run } from '../../sandbox/tools-ground.ts'
import { backup, location, withVelero } from '../../sandbox/velero-ground.ts'
import { startControlPlane, tlsName } from './control-plane.ts'
import { installKinds, kindParts } from './kinds.ts'
import { kubectl } from './kubectl.ts'
import { lacking, partFolder } from './parts.ts'

// REAL: the velero command line and server with its S3 plugin, etcd, kube-apiserver. SIMULATED: the cluster whose backup
// they read, Spaces. Volumes stay out of it: paper moves their bytes in a format of its own, and says so in the backup.

const skip =
  lacking('etcd', 'kube-apiserver', 'velero-plugin-for-aws', ...kindParts) ||
  (!process.env.REGROW_TOOLS && 'REGROW_TOOLS does not say where velero is')

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

  const { addresses } = paper.on.world
  const host = addresses.host(220, 1)
  const own = mkdtempSync(join(tmpdir(), 'regrow-parts-'))
  const { kubeconfig, processes } = await startControlPlane({
    folder: own,
    authorities: await makeClusterAuthorities({ now: new Date() }),
    ...{ host, port: addresses.apiPort, names: [tlsName] },
  })
  t.teardown(async () => {
    await processes.stop()
    rmSync(own, { recursive: true, force: true })
  })
  const kube = async (...words: string[]) => {
    const { code, out, err } = await kubectl(kubeconfig, words)
    if (code !== 0) throw new Error(err)
    return out
  }
  const velero = async (...words: string[]) => {
    const env = { KUBECONFIG: kubeconfig, HOME: own }
    const { code, out, err } = await run(process.env.REGROW_TOOLS ?? '', ['velero', ...words], env)
    t.equal(code, 0, `velero ${words.join(' ')}: ${err}`)
    return out
  }
  await installKinds(kubeconfig)
  await kube('create', 'namespace', 'velero')
  // A restore looks at the server's own Deployment; the server itself runs beside the cluster.
  await kube('create', 'deployment', 'velero', '-n', 'velero', '--image=none', '--replicas=0')
  const key = join(own, 'key')
  writeFileSync(key, '[default]\naws_access_key_id=KEY\naws_secret_access_key=secret\n')
  processes.start(
    'velero',
    join(process.env.REGROW_TOOLS ?? '', 'velero'),
    [
      ...['server', '--features=EnableCSI', '--plugin-dir', partFolder('velero-plugin-for-aws')],
      ...['--metrics-address', `${host}:8085`, '--profiler-address', `${host}:6060`],
    ],
    {
      cwd: own,
      env: {
        ...{ PATH: process.env.PATH, HOME: own, KUBECONFIG: kubeconfig },
        ...{ VELERO_NAMESPACE: 'velero', VELERO_SCRATCH_DIR: own, AWS_SHARED_CREDENTIALS_FILE: key },
      },
    },
  )
  const { spaces } = addresses
  const s3 = `region=fra1,s3ForcePathStyle=true,s3Url=http://${spaces.host}:${spaces.port},checksumAlgorithm=`
  const where = ['--provider', 'aws', '--bucket', 'regrow-b', '--access-mode', 'ReadOnly', '--config', s3]
  await velero('backup-location', 'create', 'default', '--default', ...where)

  await t.test('it is listed', async (t) => {
    // The server looks into the bucket once a minute.
    await kube('wait', '--for=create', 'backup/by-paper', '-n', 'velero', '--timeout=300s').catch(() =>
      t.fail(`it is not found: ${processes.tail('velero')}`),
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
