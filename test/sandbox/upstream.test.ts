import { createHash } from 'node:crypto'
import { load, loadAll } from 'js-yaml'
import t from 'tap'
import {
  chartNames,
  chartOf,
  csiAddress,
  csiFiles,
  upstreamFiles,
  versionsOf,
} from '../../lib/cluster/versions.ts'
import { renderChart, untar } from '../../sandbox/cluster/argocd/chart.ts'
import { Faults } from '../../sandbox/faults.ts'
import { noMachines } from '../../sandbox/machines.ts'
import { chartArchive } from '../../sandbox/upstream/archive.ts'
import { startUpstream } from '../../sandbox/upstream/start.ts'
import { openWorld } from '../../sandbox/world.ts'

const world = await openWorld(t.testdir(), { faults: new Faults(), machines: noMachines })
t.teardown(() => world.end())
const { url } = await startUpstream(world)
const versions = versionsOf()
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const get = async (address: string) => {
  const answer = await fetch(`${url}/${address.replace('https://', '')}`)
  return answer.ok ? Buffer.from(await answer.arrayBuffer()) : undefined
}

interface Thing {
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
}

t.test('everything that a first bootstrap records is there', async (t) => {
  for (const file of upstreamFiles(versions))
    t.ok(await get('chart' in file ? `${file.chart.repository}/index.yaml` : file.address), file.name)
  t.equal(await get('https://github.com/k3s-io/k3s/releases/download/v1.0.0/k3s'), undefined)
})

t.test('k3s says that it is paper, and its sums are true', async (t) => {
  const k3s = await get(
    `https://github.com/k3s-io/k3s/releases/download/${encodeURIComponent(versions.k3s)}/k3s`,
  )
  const sums = await get(
    `https://github.com/k3s-io/k3s/releases/download/${versions.k3s}/sha256sum-amd64.txt`,
  )
  t.match(k3s?.toString(), 'it is paper')
  t.equal(sums?.toString(), `${sha256(k3s ?? Buffer.alloc(0))}  k3s\n`)
})

for (const name of chartNames)
  t.test(`chart ${name}: same bytes each time, a true index, the release's namespace`, async (t) => {
    const { repository, version, chart } = chartOf(name, versions)
    const bytes = (await get(`${repository}/${name}-${version}.tgz`)) ?? Buffer.alloc(0)
    t.same(bytes, await chartArchive(name))
    const index = load(String(await get(`${repository}/index.yaml`))) as {
      entries: Record<string, { version: string; digest: string; urls: string[] }[]>
    }
    const entry = index.entries[name]?.[0]
    t.match(entry, { version, digest: sha256(bytes) })
    t.same(await get(`${repository}/${entry?.urls[0]}`), bytes)
    t.match(load((await untar(bytes)).get(`${name}/Chart.yaml`) ?? ''), { name, version })
    const wish = { repository, chart, version, release: 'x', namespace: 'there' }
    const things = (await renderChart(world, wish)) as unknown as Thing[]
    t.ok(things.some((one) => one.kind === 'Deployment'))
    for (const { kind, metadata } of things) {
      t.equal(metadata.labels?.['regrow.dev/paper'], 'true', `${kind} ${metadata.name}`)
      const isOfCluster = /^(CustomResourceDefinition|IngressClass|ClusterRole(Binding)?)$/.test(kind)
      t.equal(metadata.namespace, isOfCluster ? undefined : 'there', `${kind} ${metadata.name}`)
    }
  })

t.test('the CSI driver names its namespace itself and needs the token', async (t) => {
  const texts = await Promise.all(csiFiles.map((file) => get(csiAddress(versions['csi-digitalocean'], file))))
  const all = texts.join('---\n')
  t.notMatch(all, '{{')
  t.match(
    all,
    'name: DIGITALOCEAN_ACCESS_TOKEN\n              valueFrom:\n                secretKeyRef:\n                  name: digitalocean',
  )
  const names = (loadAll(all) as Thing[]).map((one) => `${one.kind} ${one.metadata.name}`)
  t.match(names, ['CustomResourceDefinition volumesnapshots.snapshot.storage.k8s.io'])
  for (const name of [
    'CSIDriver dobs.csi.digitalocean.com',
    'StorageClass do-block-storage',
    'StatefulSet csi-do-controller',
    'DaemonSet csi-do-node',
    'StatefulSet snapshot-controller',
  ])
    t.ok(names.includes(name), name)
})

t.test('what is to be corrupt has one byte altered', async (t) => {
  const { repository, version, chart } = chartOf('velero', versions)
  const archive = `${repository}/velero-${version}.tgz`
  const whole = (await get(archive)) ?? Buffer.alloc(0)
  world.save('behaviour', { corrupt: ['velero-.*\\.tgz$'] })
  const altered = (await get(archive)) ?? Buffer.alloc(0)
  t.equal([...whole].filter((byte, index) => byte !== altered[index]).length, 1)
  const wish = { repository, chart, version, release: 'x', namespace: 'there' }
  await t.rejects(renderChart(world, wish), /differs from the digest/)
  world.save('behaviour', {})
  t.same(await get(archive), whole)
})
