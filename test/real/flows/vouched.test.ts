import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { z } from 'zod'
import { everything } from '../../../lib/cluster/backup-rules.ts'
import { confirmed, openTestBox } from '../../flows/box.ts'
import { openShop } from '../../flows/shop.ts'
import { asThief, copyBackup, type Planted, plant, rewrite, tarballOf } from '../../flows/thief.ts'

// One SIMULATED cluster whose key to the backups somebody has: what they put into the bucket, what they change in it, and
// what a restore, a rehearsal and a removal believe of it.

t.setTimeout(900_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('first')
const thief = await asThief(box, shop)

/** One that Velero's Schedule makes while no run of regrow is there. */
async function nightly(name: string): Promise<void> {
  const spec = {
    ...{ storageLocation: 'default', ttl: '720h0m0s', snapshotMoveData: true, includedNamespaces: ['*'] },
    ...{ includeClusterResources: true, excludedResources: (everything[2] ?? '').split(',') },
    resourcePolicy: { kind: 'configmap', name: 'regrow-unbound-claims' },
  }
  const metadata = { name, namespace: 'velero' }
  await shop.kubectl(
    'apply --server-side -f -',
    JSON.stringify({ apiVersion: 'velero.io/v1', kind: 'Backup', metadata, spec }),
  )
  await shop.kubectl(
    `wait --for=jsonpath={.status.phase}=Completed backup.velero.io/${name} -n velero --timeout 60s`,
  )
}
await nightly('daily-1')

const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'lair' } }
const pod = {
  hostPID: true,
  containers: [{ name: 'c', image: 'mallory/root', securityContext: { privileged: true } }],
  volumes: [{ name: 'h', hostPath: { path: '/' } }],
}
const hostile: Planted[] = [
  ['namespaces/cluster/lair.json', namespace],
  [
    'mutatingwebhookconfigurations.admissionregistration.k8s.io/cluster/hook.json',
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'hook' },
      webhooks: [],
    },
  ],
  [
    'deployments.apps/namespaces/lair/root.json',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'root', namespace: 'lair' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: pod },
      },
    },
  ],
  [
    'clusterrolebindings.rbac.authorization.k8s.io/cluster/m2.json',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'm2' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }],
    },
  ],
]
const inAMinute = () => `${new Date(Date.now() + 60_000).toISOString().slice(0, 19)}Z`
await plant(thief, { name: 'evil', like: 'daily-1', start: inAMinute() }, hostile)

const record = z.looseObject({
  name: z.string(),
  vouching: z.string(),
  vouchingReason: z.string().optional(),
})
const listed = async () => {
  const ended = await box.run('scripts/backups.mts', ['--json'])
  t.equal(ended.code, 0, ended.err)
  const all = z.array(record).parse(JSON.parse(ended.out))
  return Object.fromEntries(all.map(({ name, vouching }) => [name, vouching]))
}
/** What a run told and what it planned, as one line. */
const said = ({ out, err }: { out: string; err: string }) => `${err}\n${out}`.replaceAll(/\s+/g, ' ')
const plannedIn = ({ out }: { out: string }) =>
  z
    .looseObject({
      backup: z.string(),
      vouching: z.string(),
      passedOver: z.array(z.string()),
      power: z.array(z.string()),
    })
    .parse(JSON.parse(out))
// Velero looks into the bucket once a minute, and makes an object of what it finds.
const notIts = /(the cluster knows of no such backup|it was not made by the cluster that is there now)/
const droplets = async () =>
  z
    .object({ droplets: z.array(z.object({ name: z.string(), status: z.string() })) })
    .parse(await box.cloud('GET', '/v2/droplets')).droplets

t.test('what regrow took is vouched for at once; what Velero or somebody else made is not', async (t) => {
  t.match(await listed(), {
    first: 'vouched for',
    'main-first': 'vouched for',
    'daily-1': 'not vouched for',
    evil: 'not vouched for',
  })
  const shown = await box.run('scripts/backups.mts')
  t.match(shown.out, /^evil .*\n {4}not vouched for$/m)
  t.match(shown.out, /^vouched for {2}2 of 4: of the others no run of regrow has seen it/m)
})

t.test('latest, in place of a living cluster, is the newest that this cluster made', async (t) => {
  const ended = await shop.restore('--replace', '--backup', 'latest', '--dry-run')
  t.equal(ended.code, 0, ended.err)
  t.match(plannedIn(ended), { backup: 'daily-1', vouching: 'vouched for', power: [] }, 'the cluster says so')
  t.match(plannedIn(ended).passedOver, [new RegExp(`^evil: not vouched for: ${notIts.source}`)])
  t.match(ended.err, /^! backup evil {2}skipped: not vouched for: /m)
  const shown = await box.run('restore.mts', ['--replace', '--backup', 'latest', '--dry-run'])
  t.match(shown.out, /^backup daily-1, .*\n {2}= vouched for: nothing of it has changed since /m)
  t.match(shown.out, /^ {2}! newer, and passed over: evil: not vouched for: /m)
})

t.test('one that nobody vouches for replaces nothing and is not rehearsed, unless asked for', async (t) => {
  for (const [script, words] of [
    ['restore.mts', ['--replace']],
    ['scripts/rehearse.mts', []],
  ] as const) {
    const refused = await box.run(script, ['--backup', 'evil', '--dry-run', ...words])
    t.equal(refused.code, 1, refused.err)
    t.match(refused.err, new RegExp(`no run of regrow vouches for the backup:\\s+evil: ${notIts.source}`))
    t.match(refused.err, '--not-vouched')
    const asked = await box.run(script, ['--backup', 'evil', '--not-vouched', '--dry-run', ...words])
    t.equal(asked.code, 0, asked.err)
    for (const line of [
      'ClusterRoleBinding m2 gives ClusterRole cluster-admin to User mallory',
      'MutatingWebhookConfiguration hook answers in the API server’s place',
      'Deployment lair/root gets at its machine: privileged, hostPID, hostPath /',
      'namespaces lair',
    ])
      t.match(said(asked), line)
  }
  t.match(await droplets(), [{ name: 'main-1', status: 'active' }], 'nothing was touched')
})

t.test('a rehearsal takes the newest that this cluster made', async (t) => {
  const ended = await box.run('scripts/rehearse.mts', ['--dry-run'])
  t.equal(ended.code, 0, ended.err)
  t.match(said(ended), 'backup daily-1 comes back as main-drill')
  t.match(said(ended), '= vouched for: nothing of it has changed since')
})

t.test('a backup of another name is another backup', async (t) => {
  await copyBackup(thief, 'first', 'first-copy')
  const refused = await shop.restore('--replace', '--backup', 'first-copy')
  t.equal(refused.code, 1)
  t.match(refused.err, 'no run of regrow vouches for the backup')
  t.match(await listed(), { 'first-copy': 'not vouched for' })
})

t.test('what was altered comes back nowhere, and is named', async (t) => {
  const keyOf = (file: string) => `backups/first/${file}`
  const alter: Record<string, () => Promise<void>> = {
    'first.tar.gz': async () => thief.put(keyOf('first.tar.gz'), await tarballOf(hostile)),
    'velero-backup.json': async () => {
      const text = Buffer.from((await thief.get(keyOf('velero-backup.json'))) ?? '').toString()
      await thief.put(keyOf('velero-backup.json'), text.replace('"Completed"', '"Completed" '))
    },
    'first-volumeinfo.json.gz': () =>
      rewrite(thief, keyOf('first-volumeinfo.json.gz'), (text) =>
        text.replace(/"pvName":"[^"]+"/, '"pvName":"pvc-precious"'),
      ),
    'first-resource-list.json.gz': () => thief.remove(keyOf('first-resource-list.json.gz')),
    'first-csi-volumesnapshotcontents.json.gz': () =>
      thief.put(keyOf('first-csi-volumesnapshotcontents.json.gz'), '[]'),
  }
  for (const [file, act] of Object.entries(alter)) {
    const before = await thief.get(keyOf(file))
    await act()
    const ways = [['--replace', '--not-vouched'], ['--as', 'copy'], []]
    for (const words of file.endsWith('.tar.gz') ? ways : ways.slice(2)) {
      const refused = await shop.restore('--backup', 'first', '--dry-run', ...words)
      t.equal(refused.code, 1, refused.err)
      t.match(refused.err, `backup first was altered since it was vouched for: ${file}`)
    }
    t.match(await listed(), { first: 'altered' }, file)
    const back = await shop.restore('--replace', '--backup', 'first', '--undelete', '--dry-run')
    t.equal(back.code, 0, back.err)
    t.match(plannedIn(back), { vouching: 'vouched for' }, 'as it was it is vouched for')
    if (before) await thief.put(keyOf(file), before)
    else await thief.remove(keyOf(file))
    t.match(await listed(), { first: 'vouched for' }, 'the bytes count, not the time')
  }
})

t.test('the next run vouches for what the cluster made, and tells what was altered', async (t) => {
  await thief.put('backups/main-first/main-first.tar.gz', await tarballOf(hostile))
  const ended = await box.run('bootstrap.mts', ['--yes'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /^\+ backup daily-1 {2}vouched for/m)
  t.match(ended.err, /^! backup main-first {2}altered since it was vouched for: main-first.tar.gz/m)
  t.notMatch(ended.err, /evil {2}vouched for|first-copy {2}vouched for/)
  t.match(ended.err, /^= backup (daily-1|first)$/m, 'a backup that somebody put there is no first one')
  t.match(await listed(), { 'daily-1': 'vouched for', evil: 'not vouched for', 'main-first': 'altered' })
  const status = await box.run('scripts/status.mts')
  t.equal(status.code, 3, status.err)
  t.match(said(status), 'backup main-first was altered since it was vouched for, and comes back nowhere')
  const again = await box.run('bootstrap.mts', ['--yes'])
  t.notMatch(again.err, 'backup daily-1  vouched for', 'once')
})

t.test('an older version of a file is another file', async (t) => {
  const key = 'backups/first/first.tar.gz'
  const [now, older] = (await thief.versions(key)).filter((one) => !one.isDeletion)
  t.not(now?.etag, older?.etag)
  await thief.putBack(key, older?.id ?? '')
  const refused = await shop.restore('--replace', '--backup', 'first', '--dry-run')
  t.equal(refused.code, 1)
  t.match(refused.err, 'backup first was altered since it was vouched for: first.tar.gz')
  await thief.putBack(key, now?.id ?? '')
  t.match(await listed(), { first: 'vouched for' })
})

t.test('a volume is held by its id and its claim, never by a name in a file', async (t) => {
  await sleep(1100) // times are told in seconds
  const { volume } = z.object({ volume: z.object({ id: z.string() }) }).parse(
    await box.cloud('POST', '/v2/volumes', {
      ...{ name: 'pvc-precious', size_gigabytes: 10, region: 'fra1' },
      tags: ['regrow:main'],
    }),
  )
  await copyBackup(thief, 'daily-1', 'claims')
  await rewrite(thief, 'backups/claims/claims-volumeinfo.json.gz', (text) =>
    text.replaceAll(/"pvName":"[^"]+"/g, '"pvName":"pvc-precious"'),
  )
  const planned = await box.run('scripts/destroy.mts', ['--dry-run', ...confirmed()])
  t.equal(planned.code, 0, planned.err)
  t.match(said(planned), '= volume pvc-precious, 10 GiB (no whole backup holds it)')
  await box.cloud('DELETE', `/v2/volumes/${volume.id}`)
})

t.test('in place of the living cluster: proven, and vouched for from then on', async (t) => {
  await nightly('daily-2')
  const before = await shop.content()
  const ended = await shop.restore('--replace', '--backup', 'latest')
  t.equal(ended.code, 0, ended.err)
  const proof = JSON.parse(ended.out)
  t.match(proof, { verdict: 'PROVEN', backup: { name: 'daily-2', vouching: 'vouched for' } })
  t.same(await shop.content(), before)
  t.match(await listed(), { 'daily-2': 'vouched for' })
})

t.test('a partial backup that somebody put there keeps no first one from being made', async (t) => {
  const again = await asThief(box, shop)
  await plant(again, { name: 'zzz', like: 'first', start: `${new Date().toISOString().slice(0, 19)}Z` }, [])
  const key = 'backups/zzz/velero-backup.json'
  const file = JSON.parse(Buffer.from((await again.get(key)) ?? '').toString())
  await again.put(key, JSON.stringify({ ...file, status: { ...file.status, errors: 1 } }))
  const ended = await box.run('bootstrap.mts', ['--yes'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /^\+ backup main-first-2 {2}Completed/m)
})

t.test('on the bad day one that nobody vouches for comes back too, and it is said', async (t) => {
  t.equal((await box.run('bootstrap.mts', ['--yes'])).code, 0, 'Velero learns of the kinds that came back')
  await nightly('daily-3')
  await shop.lose()
  const ended = await shop.restore('--backup', 'daily-3')
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, '! not vouched for: no run of regrow has seen it')
  t.match(said(ended), /In it: .*! namespaces .*\bshop\b/)
  t.match(JSON.parse(ended.out), {
    verdict: 'PROVEN',
    backup: { name: 'daily-3', vouching: /^not vouched for: / },
  })
})
