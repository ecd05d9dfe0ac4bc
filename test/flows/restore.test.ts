import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { mutating, openTestBox } from './box.ts'
import { playGeneration } from './generation.ts'
import { openShop } from './shop.ts'

// One SIMULATED cluster that is lost and brought back: each test stands on what the one before left. Three times in a
// row it is in test/real/flows/generations.test.ts.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
// A claim that waits for a class which nobody made, in Git no policy that lets backups pass over it, and a snapshot of
// one's own.
await shop.kubectl(
  'apply --server-side -f -',
  `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: waits, namespace: shop}
spec: {accessModes: [ReadWriteOnce], storageClassName: of-nobody, resources: {requests: {storage: 1Gi}}}
---
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: mine, namespace: shop}
spec: {source: {persistentVolumeClaimName: files}}
`,
)
// What the cluster made by itself, and a person has changed since: the project that Applications are in, Argo CD's
// password (a bcrypt hash), the accounts of namespaces, one of k3s' own bindings.
const hash = Buffer.from('$2a$10$of-a-password-of-my-own').toString('base64')
const patches = [
  [
    'appproject default -n argocd',
    {
      spec: {
        clusterResourceWhitelist: null,
        sourceRepos: ['https://example.org/*'],
        roles: [{ name: 'reader', policies: [] }],
      },
    },
  ],
  ['secret argocd-secret -n argocd', { data: { 'admin.password': hash, 'accounts.alice.password': hash } }],
  ['serviceaccount default -n default', { automountServiceAccountToken: false }],
  [
    'serviceaccount default -n shop',
    { imagePullSecrets: [{ name: 'registry' }], automountServiceAccountToken: false },
  ],
] as const
const edited = async () =>
  Object.fromEntries(
    await Promise.all(
      patches.map(async ([what]) => {
        const one = JSON.parse(await shop.kubectl(`get ${what} -o json`)) as Record<string, unknown>
        const { apiVersion: _, metadata: __, kind: ___, ...content } = one
        return [what, content]
      }),
    ),
  )
for (const [what, change] of patches)
  await shop.kubectl(`patch ${what} --type merge -p ${JSON.stringify(change)}`)
const asEdited = await edited()
await shop.write()

t.test('a claim that waits makes no backup less than whole, with or without Git’s policy', async (t) => {
  const policy = 'get configmap regrow-unbound-claims -n velero --ignore-not-found -o name'
  await shop.kubectl('delete application root -n argocd')
  await shop.kubectl('delete application backups -n argocd')
  await shop.kubectl('delete configmap regrow-unbound-claims -n velero')
  t.equal(await shop.kubectl(policy), '', 'as an earlier regrow grew it')
  const taken = await box.run('scripts/backup.mts', ['--backup', 'before-the-loss', '--json'])
  t.equal(taken.code, 0, taken.err)
  t.match(JSON.parse(taken.out), { whole: true, reasons: [] })
  t.match(taken.err, /schedule daily names resource policy regrow-unbound-claims, which is not there/)
  t.match(
    taken.err,
    /VolumeSnapshot shop\/mine is in no backup: Velero takes along its own alone; claim shop\/files is/,
  )
  t.notMatch(taken.err, 'shop/waits')
  t.match(await shop.kubectl(policy), 'configmap/regrow-unbound-claims', 'whoever needs it makes it')
  const again = await box.run('bootstrap.mts')
  t.equal(again.code, 0, again.err)
})

const narrow = `
apiVersion: velero.io/v1
kind: Backup
metadata: {name: hourly, namespace: velero}
spec:
  {storageLocation: default, ttl: 48h0m0s, snapshotMoveData: true, includedNamespaces: [shop], resourcePolicy: {kind: configmap, name: regrow-unbound-claims}}
`

const proof = z.object({ objects: z.array(z.looseObject({ id: z.string() })) })

t.test('while it is alive nothing is restored over it', async (t) => {
  const ended = await shop.restore('--backup', 'latest')
  t.equal(ended.code, 1)
  t.match(ended.err, 'cluster main is alive: droplet main-1 is active')
  t.match(ended.err, '--replace powers it off first')
  const unasked = await shop.restore()
  t.equal(unasked.code, 2)
  t.match(unasked.err, 'before-the-loss')
})

t.test('a backup of one namespace is neither the last one nor latest, and is named as partial', async (t) => {
  await shop.kubectl('apply --server-side -f -', narrow)
  await shop.kubectl(
    'wait --for=jsonpath={.status.phase}=Completed backup.velero.io/hourly -n velero --timeout 60s',
  )
  const listed = await box.run('scripts/backups.mts', ['--json'])
  t.match(JSON.parse(listed.out), [
    { name: 'hourly', state: 'Completed', whole: false, wholeness: 'partial' },
    { name: 'before-the-loss', wholeness: 'whole', reasons: [] },
    { name: 'main-first', wholeness: 'whole' },
  ])
  t.match((await box.run('scripts/backups.mts')).out, /^last backup {2}before-the-loss, /m)
  const asked = await shop.restore('--backup', 'hourly', '--partial', '--replace')
  t.equal(asked.code, 2)
  t.match(asked.err, '--partial cannot replace a living cluster')
})

t.test('everything is lost but the buckets and Git, and comes back', (t) => playGeneration(t, shop, 1))

t.test('what the cluster makes by itself is as the person had changed it', async (t) =>
  t.same(await edited(), asEdited),
)

t.test('one byte altered afterwards is noticed', async (t) => {
  const before = await shop.content()
  const file = join(await shop.volumeOf('shop', 'files'), 'a')
  const bytes = readFileSync(file)
  bytes[7] = (bytes[7] ?? 0) ^ 1
  writeFileSync(file, bytes)
  t.notSame(await shop.content(), before)
})

t.test('the same command again changes nothing', async (t) => {
  const already = await box.run('restore.mts', ['--backup', 'before-the-loss', '--json'])
  t.equal(already.code, 0, already.err)
  t.notMatch(already.err, /^[+~-] /m)
  const { objects } = proof.parse(JSON.parse(already.out))
  t.match(
    objects.find(({ id }) => id === 'shop/waits'),
    { outcome: 'back', why: 'it had no volume when the backup was made, so it had no bytes' },
  )
  t.notOk(
    objects.some(({ id }) => id === 'shop/mine'),
    'what no backup has, none brings back',
  )
  const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
  t.same(
    mutating(already.requests).filter((one) => !own.test(one)),
    [],
  )
})
