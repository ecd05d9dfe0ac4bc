import t from 'tap'
import type { GitHub } from '../../lib/clients/github.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import type { Inventory } from '../../lib/cluster/ours.ts'
import { recordDigests } from '../../lib/cluster/upstream.ts'
import { csiFiles } from '../../lib/cluster/versions.ts'
import { copyUpstream } from '../../lib/gitops/copy-upstream.ts'
import { commonSpec } from '../../lib/machines/first/bundle.ts'
import { fromKitLines, upstreamCheck } from '../../lib/machines/preflight/upstream.ts'
import { keepUpstream } from '../../lib/store/upstream.ts'
import { Faults } from '../../sandbox/faults.ts'
import { noMachines } from '../../sandbox/machines.ts'
import { startUpstream } from '../../sandbox/upstream/start.ts'
import { openWorld } from '../../sandbox/world.ts'
import { clusterIn, FakeRepository, seeded } from '../gitops/fake-repository.ts'
import { keyOf, memoryBucket } from '../store/kept.ts'

const world = await openWorld(t.testdir(), { faults: new Faults(), machines: noMachines })
t.teardown(() => world.end())
process.env.REGROW_UPSTREAM_URL = (await startUpstream(world)).url
const behave = (how: object) => world.save('behaviour', how)

const recorded = clusterIn(new FakeRepository())
await recordDigests(recorded)
const kit = memoryBucket()
await keepUpstream(recorded, kit)

const open = { branchRules: async () => [], protection: async () => undefined } as Partial<GitHub>

/** A cluster that was seeded, of which nothing is there any more; or the machines named. */
function lostCluster(machines: string[] = [], files = seeded()) {
  const repository = new FakeRepository()
  repository.commit('Seed', files)
  repository.branches.set('regrow/seeded', repository.head)
  Object.assign(repository.github, open)
  const nodes = ['main-1', 'main-2'].map((name) => ({ name, role: 'server' as const }))
  const base = clusterIn(repository)
  const wanted = { ...base.wanted, digests: recorded.wanted.digests, nodes }
  const cluster: Cluster = { ...base, wanted, committed: wanted }
  const own = { droplets: machines.map((name) => ({ name })) } as unknown as Inventory
  const check = async (bucket = kit) =>
    (await upstreamCheck(bucket)(cluster, own)).filter((one) => one !== undefined)
  return { cluster, repository, check }
}

/** Each address that is asked for, what it is called, and whether a copy must go into Git. */
const addresses: [gone: string, title: string, git: boolean][] = [
  ['/k3s$', 'k3s v1.36.5+k3s1', false],
  ['/sha256sum-amd64\\.txt$', 'k3s v1.36.5+k3s1', false],
  ...[
    'argo-helm:argo-cd 10.10.0',
    'vmware-tanzu.*:velero 12.2.1',
    'sealed-secrets:sealed-secrets 2.18.5',
    'traefik.*:traefik 41.6.0',
  ].flatMap((one): [string, string, boolean][] => {
    const [host = '', chart = ''] = one.split(':')
    return [
      [`${host}/index\\.yaml$`, `chart ${chart}`, true],
      [`${chart.replace(' ', '-')}\\.tgz$`, `chart ${chart}`, true],
    ]
  }),
  ...csiFiles.map((file): [string, string, boolean] => [
    `/${file}$`,
    `csi-digitalocean v4.18.0 ${file}`,
    true,
  ]),
]

t.test('each address that answers 404 is told, and what it had comes from the kit', async (t) => {
  t.equal(addresses.length, 13)
  for (const [gone, title, git] of addresses) {
    behave({ gone: [gone] })
    const { cluster, repository, check } = lostCluster()
    t.same(await check(), [], gone)
    const where = git ? '; its copy goes into Git' : ''
    t.same(fromKitLines(cluster), [`${title}: from your kit, upstream answers 404${where}`], gone)
    const refused = await lostCluster().check(memoryBucket('empty'))
    t.match(refused, [{ message: /could not be fetched: status 404$/ }], `${gone}, without a copy`)
    const before = repository.commits.length
    await copyUpstream(cluster, kit)
    t.equal(repository.commits.length - before, git ? 1 : 0, gone)
    await copyUpstream(cluster, kit)
    t.equal(repository.commits.length - before, git ? 1 : 0, 'nothing is left to commit')
  }
})

t.test(
  'all at once; once the copies are in Git, only what a first server takes itself is asked for',
  async (t) => {
    behave({ gone: ['.'] })
    const { cluster, repository, check } = lostCluster()
    t.same(await check(), [])
    t.equal(fromKitLines(cluster).length, 8)
    await copyUpstream(cluster, kit)
    const { message = '', files = {} } = repository.commits.at(-1) ?? {}
    t.match(
      message,
      /^Keep here what upstream has no longer: chart argo-cd 10\.10\.0, .* snapshot-controller\.yaml/,
    )
    t.match(files['clusters/main/upstream/velero-12.2.1/Chart.yaml'], 'name: velero')
    t.match(
      files['clusters/main/velero.yaml'],
      '- repoURL: git@github.com:bob/regrow-main.git\n      path: clusters/main/upstream/velero-12.2.1\n',
    )
    t.match(
      files['clusters/main/platform/csi-driver/kustomization.yaml'],
      '  - "upstream/v4.18.0-driver.yaml"\n',
    )
    t.ok(files['clusters/main/platform/csi-driver/upstream/v4.18.0-driver.yaml'])
    t.same(await check(), [])
    t.same(fromKitLines(cluster), [
      'k3s v1.36.5+k3s1: from your kit, upstream answers 404',
      'chart argo-cd 10.10.0: from your kit, upstream answers 404',
    ])
    const without = await lostCluster().check(memoryBucket('empty'))
    t.equal(without.length, 8, 'without copies all of them are told')
    // The other two addresses of the same files are not asked then.
    const aBad = memoryBucket('bad')
    for (const [key, content] of kit.files) aBad.files.set(key, content)
    const key = keyOf(cluster, 'traefik')
    aBad.files.set(key, Buffer.from('altered'))
    t.match(await lostCluster().check(aBad), [
      {
        message: new RegExp(
          `^the copy of chart traefik 41\\.6\\.0 in bad was altered: ${key} .*, and upstream answers 404$`,
        ),
      },
    ])
  },
)

t.test('what upstream serves otherwise comes from the kit as well', async (t) => {
  behave({ corrupt: ['driver\\.yaml$'] })
  const { cluster, check } = lostCluster()
  t.same(await check(), [])
  t.same(fromKitLines(cluster), [
    'csi-digitalocean v4.18.0 driver.yaml: from your kit, upstream serves something else; its copy goes into Git',
  ])
  t.match(await lostCluster().check(memoryBucket('empty')), [
    { message: /is not what cluster\.yaml recorded/ },
  ])
})

t.test('a machine that joins needs k3s alone, and one that is there nothing', async (t) => {
  behave({ gone: ['.'] })
  const joins = lostCluster(['main-1'])
  t.same(await joins.check(), [])
  t.same([...(joins.cluster.fromKit?.keys() ?? [])], ['k3s'])
  const spec = { kit: { serverToken: 's', agentToken: 'a' }, buckets: { kit }, address: { ip: '192.0.2.1' } }
  const { k3s } = await commonSpec(joins.cluster, spec as unknown as Parameters<typeof commonSpec>[1])
  t.equal(k3s.url, `https://kit.example/${keyOf(joins.cluster, 'k3s')}?signed=GET`)
  t.equal(k3s.sha256, recorded.wanted.digests.k3s)
  const whole = lostCluster(['main-1', 'main-2'])
  t.same(await whole.check(memoryBucket('empty')), [])
  t.equal(whole.cluster.fromKit, undefined)
})

t.test('where Git takes no commit, it says what is needed, before anything is bought', async (t) => {
  behave({ gone: ['velero'] })
  const { cluster, check } = lostCluster()
  Object.assign(cluster, { repository: { default_branch: 'main', permissions: { push: false } } })
  t.match(await check(), [
    {
      message:
        'chart velero 12.2.1: upstream has it no longer, so Argo CD must read a copy in Git. But the GitHub token may not write to bob/regrow-main',
      cure: /^Give it Contents/,
    },
  ])
  const flow =
    'spec: {source: {chart: velero, repoURL: "https://vmware-tanzu.github.io/helm-charts", targetRevision: 12.2.1}}'
  await t.rejects(lostCluster([], { ...seeded(), 'clusters/main/velero.yaml': flow }).check(), {
    message: 'clusters/main/velero.yaml reads chart velero 12.2.1 in a way that regrow cannot change',
    cure: /on lines of their own/,
  })
})

t.test('what a person removed from Git is not copied there', async (t) => {
  behave({ gone: ['traefik'] })
  const { 'clusters/main/ingress.yaml': _, ...rest } = seeded()
  const { cluster, repository, check } = lostCluster([], rest)
  t.same(await check(), [])
  await copyUpstream(cluster, kit)
  t.equal(repository.commits.length, 1)
})
