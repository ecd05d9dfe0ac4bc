import { load } from 'js-yaml'
import t from 'tap'
import { prove } from '../../../lib/backup/proof/proof.ts'
import { asleep } from '../../../lib/backup/restore/asleep.ts'
import { bringBack } from '../../../lib/backup/restore/bring-back.ts'
import { readOnlyLocation } from '../../../lib/backup/restore/location.ts'
import { takeBackup } from '../../../lib/backup/take/take.ts'
import type { Bucket } from '../../../lib/clients/s3.ts'
import type { Cluster } from '../../../lib/cluster/cluster.ts'
import { parseDescription, withFirstServer } from '../../../lib/cluster/description.ts'
import { openStage } from './play.ts'

// How the verbs go about a Velero that fails, restarts or skips: tools of this test's own in the place of kubectl and
// velero.

t.setTimeout(300_000) // on a machine that may be busy
Object.assign(process.env, { DIGITALOCEAN_TOKEN: 'dop_v1_mine', GITHUB_TOKEN: 'ghp_mine0000' })
const stage = openStage(t.testdir({}))
const kube = { file: '/none' }
const read = parseDescription('cluster: main')
if (!('description' in read)) throw new Error('the plainest description cannot be read')
const cluster = {
  name: 'main',
  tag: 'regrow:main',
  wanted: withFirstServer(read.description),
  place: { owner: 'bob', name: 'regrow-main' },
  account: { uuid: 'u' },
  github: { ref: async () => 'c1' },
  cloud: { clockOffset: () => 0 },
} as unknown as Cluster

const files = { namespace: 'shop', name: 'files', bytes: 7 }
const volume = {
  claim: 'shop/files',
  volume: 'pvc-1',
  kept: 's3' as const,
  bytes: files.bytes,
  snapshot: undefined,
}
const course = {
  begun: false,
  backup: 'daily',
  server: 'main-2',
  at: '2026-11-28T10:00:00Z',
  droplets: [],
  volumes: [],
  backed: [volume],
}

t.test('a restore that Velero’s restart ended is begun anew, without the claim that it left', async (t) => {
  stage.set({ plan: ['Failed', 'Completed'], fills: [files] })
  t.match(await bringBack(kube, course), [{ claim: 'shop/files', moved: 7, missing: undefined }])
  const { said, claims } = stage.seen()
  const begun = said.filter((one) => one.startsWith('velero')).map((one) => /create (\S+)/.exec(one)?.[1])
  t.same(begun, ['restore-main-2', 'restore-main-2-2'])
  t.match(claims, [{ name: 'files', restore: 'restore-main-2-2', phase: 'Bound' }])
})

t.test('one that ends Completed and skipped a claim brought nothing back', async (t) => {
  const there = { namespace: 'shop', name: 'files', phase: 'Bound' }
  stage.set({ fills: [files], claims: [there] })
  await t.rejects(bringBack(kube, course), {
    message: /volume of claim shop\/files: its claim was there before, so nothing was moved/,
    cure: /No app was started/,
  })
  t.same(stage.seen().claims, [there], 'a claim that no restore made is not removed')
})

t.test('the tool’s exit code says nothing: a restore that failed three times is a failure', async (t) => {
  stage.set({ plan: ['Failed', 'Failed', 'Failed'], fills: [] })
  await t.rejects(bringBack(kube, { ...course, backed: [] }), { message: /restore-main-2-3 ended Failed/ })
})

t.test('a restore takes everything but what is named', async (t) => {
  stage.set({})
  await bringBack(kube, { ...course, backed: [] })
  const [order = ''] = stage.seen().said.filter((one) => one.startsWith('velero'))
  t.match(
    order,
    '--include-cluster-resources=true',
    'Velero leaves cluster-scoped things out unless it is asked',
  )
  t.match(order, '--preserve-nodeports')
  t.match(order, '--parallel-files-download 8', 'small files do not wait for each other')
  t.notMatch(order, /--(include|exclude)-(namespaces|resources=)/, 'every namespace, and kinds by exclusion')
  const out = /--exclude-resources (\S+)/.exec(order)?.[1]?.split(',') ?? []
  for (const kept of [
    'configmaps',
    'secrets',
    'namespaces',
    'persistentvolumeclaims',
    'certificates.cert-manager.io',
  ])
    t.notOk(out.includes(kept), `${kept} come back`)
  t.ok(
    out.includes('sealedsecrets.bitnami.com'),
    'restored before Git brings it, its Secret would be nobody’s',
  )
})

t.test('the location that is applied before the data may only be read', async (t) => {
  stage.set({})
  await readOnlyLocation(kube, cluster)
  t.match(
    stage.seen().applied.map((one) => load(one)),
    [{ kind: 'BackupStorageLocation', metadata: { name: 'default' }, spec: { accessMode: 'ReadOnly' } }],
  )
})

t.test('a backup waits longer than ten minutes for a snapshot, and its phase is read', async (t) => {
  stage.set({ plan: ['PartiallyFailed'] })
  await t.rejects(takeBackup(kube, cluster, {} as Bucket, { name: 'first' }), {
    message: 'backup first ended PartiallyFailed',
  })
  t.match(
    stage.seen().said.join('\n'),
    /velero .*backup create first .*--csi-snapshot-timeout 25m.*--item-operation-timeout 24h/,
  )
  t.match(
    stage.seen().applied.map((one) => load(one)),
    [{ kind: 'ConfigMap', metadata: { name: 'unbound-claims', namespace: 'velero' } }],
    'the policy that it names is there first',
  )
})

t.test('beside the original apps come back asleep', async (t) => {
  const metadata = { name: 'a', namespace: 'shop' }
  const one = (kind: string, spec: object) => ({
    ...{ apiVersion: kind === 'CronJob' ? 'batch/v1' : 'apps/v1', kind },
    ...{ metadata, spec },
  })
  t.match(asleep(one('Deployment', { replicas: 3 })).spec, { replicas: 0 })
  t.match(asleep(one('StatefulSet', {})).spec, { replicas: 0 })
  t.match(asleep(one('CronJob', { suspend: false, schedule: 'x' })).spec, { suspend: true, schedule: 'x' })
  const daemon = asleep(one('DaemonSet', { template: { spec: { nodeSelector: { a: 'b' } } } }))
  t.same(daemon.spec, { template: { spec: { nodeSelector: { 'regrow/asleep': 'true' } } } })
})

t.test('an address that changed is told with the records that must follow it', async (t) => {
  const rule = {
    kind: 'Ingress',
    metadata: { name: 'shop', namespace: 'shop' },
    spec: { rules: [{ host: 'shop.example.org' }, {}] },
  }
  stage.set({ lists: { 'ingresses.networking.k8s.io': [rule, rule] } })
  const evidence = {
    cluster,
    backup: {
      metadata: { name: 'daily' },
      wholeness: { state: 'whole' as const },
      vouching: { state: 'not vouched for' as const, why: 'nobody looked' },
    },
    course: { ...course, address: '192.0.2.1' },
    volumes: [],
    compared: { at: '2026-11-29T20:00:00Z' },
    objects: [],
    changed: [],
    notReady: [],
    extended: [],
  }
  const address = { ip: '192.0.2.9', region: { slug: 'fra1' } }
  const proof = await prove(kube, { ...evidence, address })
  t.same(proof.address, { now: '192.0.2.9', before: '192.0.2.1' })
  t.same(proof.dns, ['shop.example.org A 192.0.2.9'])
  t.same(proof.missing, [], 'and is no failure')
  const same = await prove(kube, { ...evidence, address: { ...address, ip: '192.0.2.1' } })
  t.same(same.dns, [])
})
