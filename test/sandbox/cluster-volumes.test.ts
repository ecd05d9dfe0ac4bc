import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Cluster } from '../../sandbox/cluster/cluster.ts'
import { listAt, numberAt, type Thing, textAt, treeAt } from '../../sandbox/cluster/tree.ts'
import { apply, claim, cluster, csi, digitalOcean, eventually, workload } from './cluster-ground.ts'
import { clear, ground } from './droplet-ground.ts'

async function withDriver(t: Test, change: (manifests: string) => string = (same) => same) {
  const on = await ground()
  t.teardown(() => clear(on))
  const cloud = await digitalOcean(on)
  const one = await cluster(on)
  apply(one, change(csi))
  const phase = (name: string) =>
    textAt(one.store.find('PersistentVolumeClaim', 'default', name), 'status', 'phase')
  return { on, one, cloud, phase, bound: (name: string) => eventually(one, () => phase(name) === 'Bound') }
}

const told = (one: Cluster, reason: string) =>
  eventually(one, () => one.store.list('Event').find((event) => event.reason === reason)?.message)

t.test(
  'a claim becomes a volume with our tag, is plugged in for its pod, and goes with its claim',
  async (t) => {
    const { on, one, cloud, bound } = await withDriver(t)
    apply(one, claim('hello'))
    await bound('hello')
    const [volume] = cloud.volumes
    t.match(volume, { size_gigabytes: 1, region: 'fra1', tags: ['regrow:main'], droplet_ids: [] })
    const script = '[ -s /data/first-start ] || date > /data/first-start'
    const data = { name: 'data', persistentVolumeClaim: { claimName: 'hello' } }
    apply(
      one,
      workload(
        'StatefulSet',
        'default',
        'hello',
        {},
        { volumes: [data], initContainers: [{ name: 'page', command: ['sh', script] }] },
      ),
    )
    const running = () =>
      one.store.list('Pod', 'default').find((pod) => textAt(pod, 'status', 'phase') === 'Running')
    await eventually(one, running)
    t.same(volume?.droplet_ids, [1], 'plugged into the droplet of the node')
    const first = () => readFileSync(on.world.path('volumes', String(volume?.id), 'first-start'), 'utf8')
    const before = first()
    one.store.remove('Pod', 'default', 'hello-0')
    await eventually(one, running)
    t.equal(first(), before, 'the first start is written once')

    one.store.remove('PersistentVolumeClaim', 'default', 'hello')
    t.ok(one.store.find('PersistentVolumeClaim', 'default', 'hello'), 'a claim in use stays')
    one.store.remove('StatefulSet', 'default', 'hello')
    await eventually(one, () => !one.store.find('PersistentVolumeClaim', 'default', 'hello'))
    await eventually(one, () => one.store.list('PersistentVolume').length === 0)
    t.same(cloud.volumes, [], 'the volume is deleted with it')
  },
)

t.test('a volume whose pod went while the driver did not run is let go of when it runs again', async (t) => {
  const { one, cloud, bound } = await withDriver(t)
  apply(one, claim('hello'))
  await bound('hello')
  const data = { name: 'data', persistentVolumeClaim: { claimName: 'hello' } }
  apply(one, workload('StatefulSet', 'default', 'hello', {}, { volumes: [data] }))
  const attached = () => one.store.list('VolumeAttachment').length
  await eventually(one, () => attached() === 1 && cloud.volumes[0]?.droplet_ids.length === 1)
  const driver = one.store.get('StatefulSet', 'kube-system', 'csi-do-controller')
  const scaled = (replicas: number) =>
    one.store.apply({ ...driver, spec: { ...treeAt(driver, 'spec'), replicas } })
  const ready = () =>
    numberAt(one.store.find('StatefulSet', 'kube-system', 'csi-do-controller'), 0, 'status', 'readyReplicas')
  scaled(0)
  await eventually(one, () => ready() === 0)
  one.store.remove('StatefulSet', 'default', 'hello')
  await eventually(one, () => !one.store.find('Pod', 'default', 'hello-0'))
  await new Promise((done) => setTimeout(done, 50))
  t.equal(attached(), 1, 'nobody detaches it')
  scaled(1)
  await eventually(one, () => attached() === 0)
  t.same(cloud.volumes[0]?.droplet_ids, [])
})

t.test('a claim larger than DigitalOcean has stays pending and says why', async (t) => {
  const { one, phase } = await withDriver(t)
  apply(one, claim('big', '17Ti'))
  t.match(
    await told(one, 'ProvisioningFailed'),
    /required \(17408Gi\) can not exceed maximum supported volume size/,
  )
  t.equal(phase('big'), 'Pending')
})

t.test('a token that DigitalOcean does not know', async (t) => {
  const { one } = await withDriver(t, (text) => text.replace('"good"', '"bad"'))
  apply(one, claim('hello'))
  t.match(await told(one, 'ProvisioningFailed'), /401 Unable to authenticate you/)
})

t.test('without its Secret the driver does not run, so claims wait', async (t) => {
  const { one, bound } = await withDriver(t, (text) =>
    text.replace('"name":"digitalocean","namespace"', '"name":"other","namespace"'),
  )
  apply(one, claim('hello'))
  t.match(await told(one, 'CreateContainerConfigError'), 'secret "digitalocean" not found')
  t.match(await told(one, 'ExternalProvisioning'), /Waiting for a volume to be created/)
  apply(
    one,
    '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"digitalocean","namespace":"kube-system"},"stringData":{"access-token":"good"}}',
  )
  await bound('hello')
})

t.test('the driver needs the network of the host, as the metadata service is closed to pods', async (t) => {
  const { one } = await withDriver(t, (text) => text.replace('"hostNetwork":true', '"hostNetwork":false'))
  t.match(await told(one, 'CrashLoopBackOff'), /couldn't get metadata/)
})

t.test('a node takes as many volumes as its driver says, and says so', async (t) => {
  const limited = (text: string) => text.replace(/do-csi-plugin:v[\d.]+/g, 'do-csi-plugin:v4.17.0')
  const { one, cloud } = await withDriver(t, limited)
  const count = () =>
    numberAt(
      listAt(one.store.find('CSINode', undefined, 'main-1'), 'spec', 'drivers')[0],
      0,
      'allocatable',
      'count',
    )
  await eventually(one, () => count() === 7)
  const names = Array.from({ length: 8 }, (_, index) => `c${index}`)
  for (const name of names) {
    apply(one, claim(name))
    const volumes = [{ name, persistentVolumeClaim: { claimName: name } }]
    apply(one, workload('Deployment', 'default', name, {}, { volumes }))
  }
  t.match(await told(one, 'FailedAttachVolume'), /exceeds its max volume count of 7/)
  const runs = (pods: Thing[]) => pods.filter((pod) => textAt(pod, 'status', 'phase') === 'Running').length
  await eventually(one, () => runs(one.store.list('Pod', 'default')) === 7)
  t.equal(cloud.volumes.filter((volume) => volume.droplet_ids.length > 0).length, 7)
  t.equal(listAt({ all: one.store.list('VolumeAttachment') }, 'all').length, 7)
  apply(one, csi)
  await eventually(one, () => count() === 15)
  await eventually(one, () => runs(one.store.list('Pod', 'default')) === 8)
})
