import t from 'tap'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { recordDigests, sha256 } from '../../lib/cluster/upstream.ts'
import {
  carryUpstream,
  keepUpstream,
  keptCopy,
  keptUpstream,
  upstreamContent,
  wrongCopies,
} from '../../lib/store/upstream.ts'
import { Faults } from '../../sandbox/faults.ts'
import { noMachines } from '../../sandbox/machines.ts'
import { startUpstream } from '../../sandbox/upstream/start.ts'
import { openWorld } from '../../sandbox/world.ts'
import { clusterIn, FakeRepository } from '../gitops/fake-repository.ts'
import { keyOf, memoryBucket, upstreamFile } from './kept.ts'

const world = await openWorld(t.testdir(), { faults: new Faults(), machines: noMachines })
t.teardown(() => world.end())
const { url } = await startUpstream(world)
process.env.REGROW_UPSTREAM_URL = url
const cluster = clusterIn(new FakeRepository())
await recordDigests(cluster)
const away = (gone: string[]) => world.save('behaviour', { gone })

t.test('each file is kept once, under its name, version and SHA-256', async (t) => {
  const kit = memoryBucket()
  away(['/traefik-.*tgz$'])
  await keepUpstream(cluster, kit)
  t.equal(kit.written.length, 7, 'what cannot be had ends no run')
  t.match(await keptUpstream(cluster, kit), { lacking: [{ name: 'traefik' }] })
  away([])
  await keepUpstream(cluster, kit)
  t.equal(kit.written.length, 8, 'and is tried again')
  await keepUpstream(cluster, kit)
  t.equal(kit.written.length, 8)
  const { names, lacking, bytes } = await keptUpstream(cluster, kit)
  t.same(lacking, [])
  t.equal(names.length, 8)
  t.equal(
    bytes,
    [...kit.files.values()].reduce((sum, one) => sum + one.length, 0),
  )
  t.ok(kit.files.has(`upstream/k3s/v1.36.5-k3s1/${cluster.wanted.digests.k3s}`))
  for (const [key, content] of kit.files) t.ok(key.endsWith(`/${sha256(content)}`), key)
})

t.test('what upstream serves otherwise than recorded is not kept', async (t) => {
  const kit = memoryBucket()
  world.save('behaviour', { corrupt: ['/k3s$', 'driver\\.yaml$'] })
  await keepUpstream(cluster, kit)
  away([])
  t.same(
    (await keptUpstream(cluster, kit)).lacking.map(({ name }) => name),
    ['k3s', 'csi-digitalocean/driver.yaml'],
  )
})

t.test('another version is another file', async (t) => {
  const kit = memoryBucket()
  await keepUpstream(cluster, kit)
  const newer = { wanted: { ...cluster.wanted, versions: { traefik: '41.7.0' } } }
  t.match(await keptUpstream(newer, kit), { lacking: [{ chart: { version: '41.7.0' } }] })
  t.equal(
    await keptCopy(newer, kit, {
      name: 'traefik',
      chart: { chart: 'traefik', repository: '', version: '41.7.0' },
    }),
    undefined,
  )
})

t.test('a copy that was altered is refused by name', async (t) => {
  const kit = memoryBucket()
  await keepUpstream(cluster, kit)
  const key = keyOf(cluster, 'velero')
  kit.files.set(key, Buffer.from('altered'))
  await t.rejects(keptCopy(cluster, kit, upstreamFile('velero')), {
    message: `the copy of chart velero 12.2.1 in kit was altered: ${key} has SHA-256 ${sha256(Buffer.from('altered'))}`,
    cure: /^Do not use it\. .* remove this one: the next bootstrap keeps it anew/,
  })
  t.match(await wrongCopies(cluster, kit), [
    /^the copy of chart velero 12\.2\.1 in kit was altered: .* Do not use it\./,
  ])
  kit.files.delete(key)
  t.same(await wrongCopies(cluster, kit), [], 'what is not there is no wrong copy')
})

t.test('a file comes from upstream, and from the kit only where this run found that it must', async (t) => {
  const kit = memoryBucket()
  await keepUpstream(cluster, kit)
  const file = upstreamFile('velero')
  away(['velero'])
  await t.rejects(upstreamContent(cluster, kit, file), { message: /could not be fetched: status 404/ })
  const without: Cluster = { ...cluster, fromKit: new Map([['velero', 'upstream answers 404']]) }
  t.same(await upstreamContent(without, kit, file), kit.files.get(keyOf(cluster, 'velero')))
  away([])
})

t.test('a copy of the cluster gets what upstream has no longer into its own bucket', async (t) => {
  const [from, to] = [memoryBucket('from'), memoryBucket('to')]
  await keepUpstream(cluster, from)
  await carryUpstream(cluster, from, to)
  t.same(to.written, [], 'upstream has it all')
  const copy: Cluster = { ...cluster, fromKit: new Map([['k3s', 'upstream answers 404']]) }
  await carryUpstream(copy, from, to)
  await carryUpstream(copy, from, to)
  t.same(to.written, [keyOf(cluster, 'k3s')], 'once')
  await carryUpstream(copy, from, from)
  t.equal(from.written.length, 8, 'the cluster itself has it')
})
