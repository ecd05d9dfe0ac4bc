import t, { type Test } from 'tap'
import { parts } from '../../../lib/cluster/versions.ts'
import { type Ground, inOwnNetwork, openGround, seen, trueK3s, without, withoutKubernetes } from './ground.ts'
import { firstServer, metadataIsClosed, nothingSecret } from './install.ts'
import { kubeletAlone, wished } from './kubelet.ts'

// Real Debian 13 on virtual machines takes the user-data of an unchanged bootstrap and of an unchanged scale. In the place
// of k3s is a stand-in that starts the real Kubernetes programs, with kwok for the kubelets; a real kubelet is started beside
// it, for itself, to see what it takes from our settings: how k3s starts one is not seen. With REGROW_REAL=1, on a machine
// with internet, it is the true k3s with the true Argo CD and CSI driver: never run so far.

const minutes = 60_000
const asked = trueK3s || process.env.REGROW_VM === 'kubernetes'
const skip: string | false =
  without ||
  (asked ? withoutKubernetes : 'NOT RUN: six minutes of both cores; REGROW_VM=kubernetes starts it')

const claimed = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: do-block-storage, resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  containers: [{name: writer, image: 'docker.io/library/busybox:${parts.busybox.version}', command: [sleep, '3600'], volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`

if (skip) t.test('Kubernetes on real machines', { skip }, async () => {})
else {
  inOwnNetwork(import.meta.filename)
  const ground = await openGround()
  t.teardown(() => ground.close())
  await t.test('a first server starts Kubernetes', { timeout: 60 * minutes }, (t) =>
    firstServer(t, ground, { cutAt: [], api: true }),
  )
  await t.test('an agent joins it', { timeout: 60 * minutes }, (t) => joiningAgent(t, ground))
  await t.test('the kubelet is configured as wished', { timeout: 20 * minutes }, async (t) => {
    for (const name of ['main-1', 'main-2'])
      await (trueK3s ? kubeletOfK3s(t, ground, name) : kubeletAlone(t, ground, name))
  })
  const skip = !trueK3s && 'NOT RUN: no image without the true k3s; REGROW_REAL=1 takes it'
  await t.test('a claim becomes a disk', { skip, timeout: 20 * minutes }, (t) => volume(t, ground))
  await t.test('the agent leaves', { timeout: 20 * minutes }, (t) => leavingAgent(t, ground))
}

async function joiningAgent(t: Test, ground: Ground): Promise<void> {
  const { machines } = ground
  const ended = await ground.run('scale.mts', ['--add', '1', '--yes'])
  t.equal(ended.code, 0, ended.err)
  // The flow ends when the node is Ready; the machine itself says so a moment later.
  await seen(machines, 'main-2', '[ -e /var/lib/regrow/finished ]')
  const reports = ground.reports('main-2')
  t.strictSame(
    reports.map(({ step, state }) => `${step} ${state}`),
    ['started done', 'fetch done', 'host done', 'k3s done'],
  )
  t.comment(reports.map(({ step, seconds }) => `${step} ${seconds} s`).join(', '))
  const look = (command: string) => machines.ask('main-2', command)
  t.match(
    await machines.ask('main-1', 'k3s kubectl get nodes --no-headers'),
    /main-1 +Ready.*\nmain-2 +Ready/,
  )
  t.match(await look('cloud-init status --wait'), /status: done/)
  t.equal(await look('systemctl is-active k3s-agent.service regrow.service'), 'active\ninactive\n')
  t.notMatch(await look('ls /var/lib/rancher/k3s'), 'server', 'nothing of a server')
  await metadataIsClosed(t, ground, 'main-2')
  await nothingSecret(t, ground, 'main-2')
}

async function leavingAgent(t: Test, { machines, run }: Ground): Promise<void> {
  const ended = await run('scale.mts', ['--remove', 'main-2', '--yes'])
  t.equal(ended.code, 0, ended.err)
  const nodes = await machines.ask('main-1', 'k3s kubectl get nodes --no-headers')
  t.match(nodes, /main-1 +Ready/)
  t.notMatch(nodes, 'main-2')
  const { out } = await run('doctl', ['compute', 'droplet', 'list', '-o', 'json'])
  t.same(
    (JSON.parse(out) as { name: string }[]).map(({ name }) => name),
    ['main-1'],
    'its machine is gone',
  )
}

// Never run so far.
async function kubeletOfK3s(t: Test, { machines }: Ground, name: string): Promise<void> {
  const said = await machines.ask('main-1', `k3s kubectl get --raw /api/v1/nodes/${name}/proxy/configz`)
  t.match(JSON.parse(said ?? '{}').kubeletconfig, wished, name)
}

// Never run so far. The driver speaks to the simulated DigitalOcean, which plugs a disk into the machine.
async function volume(t: Test, { machines, run, world }: Ground): Promise<void> {
  const clone = await run('git', ['clone', '-q', 'https://github.com/bob/regrow-main', 'repository'])
  t.equal(clone.code, 0, clone.err)
  const kubectl = async (words: string[], input = '') => {
    const ended = await run('kubectl', words, { input })
    t.equal(ended.code, 0, ended.err)
  }
  await kubectl(['apply', '--server-side', '-k', 'repository/clusters/main/platform/csi-driver'])
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', 'repository/storage/classes.yaml'])
  const { host, port } = world.addresses.digitalocean
  const url = `DIGITALOCEAN_API_URL=http://${host}:${port}/`
  const drivers = ['statefulset/csi-do-controller', 'daemonset/csi-do-node']
  await kubectl(['-n', 'kube-system', 'set', 'env', ...drivers, url])
  await kubectl(['apply', '-f', '-'], claimed)
  await kubectl(['wait', '--for=condition=Ready', '--timeout=10m', 'pod/writer'])
  await kubectl([
    'exec',
    'writer',
    '--',
    'sh',
    '-c',
    'echo kept >/data/word && sync && grep -q kept /data/word',
  ])
  const disks = await Promise.all(
    ['main-1', 'main-2'].map((name) => machines.ask(name, 'ls /dev/disk/by-id')),
  )
  t.match(disks.join(''), /scsi-0DO_Volume_pvc-/, 'by the name that a droplet has')
  await kubectl(['delete', 'pod', 'writer'])
}
