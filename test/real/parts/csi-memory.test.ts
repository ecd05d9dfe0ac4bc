import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import t from 'tap'
import { controlPlaneOf } from './control-plane.ts'
import { driverName, shipped } from './csi-shipped.ts'
import { kubectl } from './kubectl.ts'
import { MemoryGroups } from './memory-groups.ts'
import { lacking, type PartName, partFolder, program } from './parts.ts'

// REAL: etcd, API server, controllers, csi-provisioner, csi-attacher, csi-resizer, csi-snapshotter, snapshot-controller,
// each held to the limit that is shipped, with the arguments of the driver's own manifests.
// STOOD IN: DigitalOcean's driver, which is no Go module, by Kubernetes' mock of one; nodes are objects that nobody runs.

const sidecars: PartName[] = ['csi-provisioner', 'csi-attacher', 'csi-resizer', 'csi-snapshotter']
const held: PartName[] = [...sidecars, 'snapshot-controller']

const skip =
  lacking('etcd', 'kube-apiserver', 'kube-controller-manager', 'snapshot-kinds', 'csi-driver', ...held) ||
  (!process.env.REGROW_TOOLS && 'REGROW_TOOLS does not say where kubectl is') ||
  MemoryGroups.lacking()

/** As many volumes as a droplet can attach. */
const volumes = 7
/** MiB of its file that a program needs at hand, or it reads without end (docs/memory.md). */
const filePages = 9

t.test('the CSI driver’s helpers live within their limits', { skip, timeout: 600_000 }, async (t) => {
  const { folder, kubeconfig, processes } = await controlPlaneOf(t)
  const act = async (words: string[], input?: string) => {
    const { code, err } = await kubectl(kubeconfig, words, input)
    if (code !== 0) throw new Error(`kubectl ${words.join(' ')}: ${err}`)
  }
  const apply = (objects: object[]) =>
    act(['apply', '--server-side', '-f', '-'], objects.map((one) => dump(one)).join('---\n'))
  const wait = (what: string, wish: string, all = '--all') =>
    act(['wait', what, all, `--for=${wish}`, '--timeout=60s'])

  const kinds = join(partFolder('snapshot-kinds'), 'crds')
  const files = readdirSync(kinds).filter((name) => name !== 'kustomization.yaml')
  await act(['apply', '--server-side', ...files.flatMap((name) => ['-f', join(kinds, name)])])
  await wait('crd', 'condition=Established')
  await apply(surroundings)
  processes.start('kube-controller-manager', program('kube-controller-manager'), [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers}`,
    '--secure-port=0',
    '--leader-elect=false',
  ])

  const socket = join(folder, 'csi.sock')
  processes.start('csi-driver', program('csi-driver'), [socket, driverName], {
    memory: shipped('csi-do-plugin').memory,
    env: { ...process.env, ...shipped('csi-do-plugin').env },
  })
  for (const name of held) {
    const { memory, env, args } = shipped(name)
    const words = args.map((word) => word.replace('$(ADDRESS)', socket))
    // So that the pages of its file are not counted as its own: where a disk is read far ahead, starting would take
    // minutes within so little. What they need is asked for below.
    readFileSync(program(name))
    mkdirSync(join(folder, name))
    processes.start(name, program(name), [...words, `--kubeconfig=${kubeconfig}`], {
      memory,
      cwd: join(folder, name),
      env: { ...process.env, ...env },
    })
  }

  await t.test(`${volumes} volumes at once, from claim to deletion`, async (t) => {
    const names = Array.from({ length: volumes }, (_, n) => `data-${n}`)
    await apply(names.map((name) => claim(name, 1)))
    await wait('pvc', 'jsonpath={.status.phase}=Bound')
    await apply(await Promise.all(names.map(async (name) => attachment(name, await volumeOf(name)))))
    await wait('volumeattachment', 'jsonpath={.status.attached}=true')
    await apply(names.map(snapshot))
    await wait('volumesnapshot', 'jsonpath={.status.readyToUse}=true')
    await apply(names.map((name) => claim(name, 2)))
    await wait('pv', 'jsonpath={.spec.capacity.storage}=2Gi')
    await apply(names.map((name) => claim(`copy-of-${name}`, 3, name)))
    await wait('pvc', 'jsonpath={.status.phase}=Bound')
    // Claims before snapshots: the snapshot controller lets none go of which it believes that a claim is being filled.
    for (const what of ['volumeattachment', 'pvc', 'volumesnapshot'])
      await act(['delete', what, '--all', '--timeout=60s'])
    for (const what of ['pv', 'volumesnapshotcontent']) await wait(what, 'delete')
    t.same(processes.ended(), [], 'every program still runs')
  })

  for (const [name, one] of Object.entries(processes.taken())) {
    const told = `${name}: ${JSON.stringify(one)} MiB`
    t.comment(told)
    t.equal(one.killed, 0, `not killed, ${told}`)
    t.ok(one.own + filePages <= one.limit, `room for the pages of its file, ${told}`)
  }
  t.equal(Object.keys(processes.taken()).length, held.length + 1)

  async function volumeOf(name: string): Promise<string> {
    return (await kubectl(kubeconfig, ['get', 'pvc', name, '-o', 'jsonpath={.spec.volumeName}'])).out
  }
})

const controllers = [
  ...['persistentvolume-binder-controller', 'persistentvolume-expander-controller'],
  ...['persistentvolumeclaim-protection-controller', 'persistentvolume-protection-controller'],
].join(',')

const topology = { key: 'io.kubernetes.storage.mock/node', value: 'some-mock-node' }

const surroundings = [
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'main-1', labels: { [topology.key]: topology.value } },
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name: 'main-1' },
    // The mock takes its own name for that of the machine it runs on.
    spec: { drivers: [{ name: driverName, nodeID: driverName, topologyKeys: [topology.key] }] },
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name: driverName },
    spec: { attachRequired: true, podInfoOnMount: true },
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'do-block-storage' },
    provisioner: driverName,
    allowVolumeExpansion: true,
  },
  {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotClass',
    metadata: { name: 'do-block-storage' },
    driver: driverName,
    deletionPolicy: 'Delete',
  },
]

const claim = (name: string, gibibytes: number, from?: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'do-block-storage',
    resources: { requests: { storage: `${gibibytes}Gi` } },
    ...(from
      ? { dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: from } }
      : {}),
  },
})

const attachment = (name: string, persistentVolumeName: string) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'VolumeAttachment',
  metadata: { name },
  spec: { attacher: driverName, nodeName: 'main-1', source: { persistentVolumeName } },
})

const snapshot = (name: string) => ({
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshot',
  metadata: { name, namespace: 'default' },
  spec: { volumeSnapshotClassName: 'do-block-storage', source: { persistentVolumeClaimName: name } },
})
