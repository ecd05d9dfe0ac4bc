import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { makeSshKeyPair } from '#cloud-init/index.ts'
import { commit } from '../../census/repository.ts'
import { openTestBox, speak } from '../../flows/box.ts'
import { openShop } from '../../flows/shop.ts'
import {
  asked,
  bucketsOf,
  handsIn,
  keyIn,
  mint,
  opened,
  opensCluster,
  secretIn,
  storeWith,
} from '../../flows/stolen.ts'

// The rows of “When something was stolen” in docs/security.md that are keys and tokens, each played in one SIMULATED cluster:
// what a thief can do with that key alone, what ends it, what stays open, and that the cluster serves and backs up afterwards.

t.setTimeout(900_000)
const box = await openTestBox(t)
const hands = handsIn(box)
const scopes =
  readFileSync('docs/setup.md', 'utf8').match(/\b[a-z_]+:(read|create|delete)\b(?= {2}|\n)/g) ?? []
hands.makeToken('dop_v1_csi', scopes)
box.env.REGROW_CSI_TOKEN = 'dop_v1_csi'
const shop = await openShop(box)
await shop.backUp('kept')
const own = box.env.KUBECONFIG ?? ''
const bootstrap = async () => {
  const ended = await box.run('bootstrap.mts', ['--yes'])
  if (ended.code !== 0) throw new Error(ended.err)
  return ended
}
const veleroKey = async () => keyIn(await secretIn(box, own, 'velero/velero-credentials', 'cloud'))
const otherKey = makeSshKeyPair('mallory').publicKey
let number = 0
/** The cluster works: a claim gets its volume, Velero its bucket, Argo CD its repository. */
async function works(t: Test): Promise<void> {
  number++
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: `after-${number}`, namespace: 'shop' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'do-block-storage',
      resources: { requests: { storage: '1Gi' } },
    },
  }
  await shop.kubectl('apply --server-side -f -', JSON.stringify(claim))
  await shop.kubectl(`wait --for=jsonpath={.status.phase}=Bound pvc/after-${number} -n shop --timeout 60s`)
  const settings = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `after-${number}`, namespace: 'shop' },
  }
  await commit(box.env, { [`clusters/main/apps/after-${number}.yaml`]: [settings] })
  t.ok(await eventually(`get configmap after-${number} -n shop -o name`), 'what is in Git comes')
  const taken = await box.run('scripts/backup.mts', ['--backup', `after-${number}`])
  t.equal(taken.code, 0, taken.err)
}
/** Whether a command comes to tell something, or with `false` nothing, within a minute. */
async function eventually(words: string, there = true): Promise<boolean> {
  const refresh = 'annotate application apps -n argocd argocd.argoproj.io/refresh=normal --overwrite'
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    await shop.kubectl(refresh)
    const said = await shop.kubectl(`${words} --ignore-not-found`)
    if ((said !== '') === there) return true
  }
  return false
}

t.test('the cluster’s Spaces key', async (t) => {
  const thief = await veleroKey()
  const { velero, kit } = bucketsOf(box)
  t.same(await opened(box, thief), ['velero'], 'the backups, and not the kit')
  const bucket = (await storeWith(box, thief)).bucket(velero)
  t.ok(await bucket.get('backups/kept/kept.tar.gz'), 'to read,')
  await bucket.put('backups/mallory/x', 'y')
  await bucket.remove('backups/mallory/x')
  await t.rejects((await storeWith(box, thief)).bucket(kit).get('kit.json'))

  // As the page says, and at once: Velero does not know of it yet.
  const gone = await box.run('doctl', ['spaces', 'keys', 'delete', thief.accessKey])
  t.equal(gone.code, 0, gone.err)
  t.same(await opened(box, thief), [])
  const mended = await bootstrap()
  t.match(mended.err, /^~ key to the backups in the cluster {2}was gone: a new one/m)
  t.same(await opened(box, await veleroKey()), ['velero'])
  t.same(await opened(box, thief), [])
  await works(t)
})

t.test('REGROW_CSI_TOKEN', async (t) => {
  const token = await secretIn(box, own, 'kube-system/digitalocean', 'access-token')
  t.equal(token, 'dop_v1_csi')
  const theirs = (request: string, body?: object) => asked(box, token, request, body)
  const { volume } = z
    .object({ volume: z.object({ id: z.string() }) })
    .parse(await box.cloud('POST', '/v2/volumes', { name: 'left', region: 'fra1', size_gigabytes: 1 }))
  t.equal(await theirs('GET volumes'), 200, 'volumes and machines, to list;')
  t.equal(await theirs('GET droplets'), 200)
  t.equal(await theirs(`DELETE volumes/${volume.id}`), 204, 'volumes, to delete')
  const machine = { name: 'x', region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64' }
  t.equal(await theirs('POST droplets', machine), 403, 'no machine,')
  const grants = [{ bucket: '', permission: 'fullaccess' }]
  t.equal(await theirs('POST spaces/keys', { name: 'x', grants }), 403, 'and no key to a bucket')

  hands.deleteToken('dop_v1_csi')
  // Nor does who runs the cluster get the owner's own, by breaking the narrower one and what marks it.
  const label = 'label secret digitalocean -n kube-system regrow.dev/narrower-'.split(' ')
  const unmarked = await box.run('kubectl', label)
  t.equal(unmarked.code, 0, unmarked.err)
  const refused = await box.run('bootstrap.mts', ['--yes'], { env: { REGROW_CSI_TOKEN: undefined } })
  t.equal(refused.code, 1)
  t.match(refused.err, 'x the DigitalOcean token in the cluster does not open your account any more')
  t.match(refused.err, 'REGROW_CSI_TOKEN=…, a new one')
  t.equal(await secretIn(box, own, 'kube-system/digitalocean', 'access-token'), 'dop_v1_csi')

  hands.makeToken('dop_v1_csi_2', scopes)
  box.env.REGROW_CSI_TOKEN = 'dop_v1_csi_2'
  t.match((await bootstrap()).err, '~ DigitalOcean token in the cluster  was another one: replaced')
  t.equal(await theirs('GET volumes'), 401)
  t.equal(await secretIn(box, own, 'kube-system/digitalocean', 'access-token'), 'dop_v1_csi_2')
  await works(t)
})

t.test('the DigitalOcean token', async (t) => {
  const token = box.env.DIGITALOCEAN_TOKEN ?? ''
  const { velero, kit } = bucketsOf(box)
  const both = [velero, kit].map((bucket) => ({ bucket, permission: 'readwrite' }))
  const names = [
    'nightly',
    'regrow-main-velero-77',
    'regrow-main-operator-20260101t000000z-abcdef-1-abcdef',
    'regrow-main-setup-20260101t000000z',
  ]
  const keys = new Map(
    await Promise.all(names.map(async (name) => [name, await mint(box, name, both)] as const)),
  )
  for (const [name, key] of keys) {
    t.same(await opened(box, key), ['velero', 'kit'], `${name} opens all`)
    t.ok(await (await storeWith(box, key)).bucket(kit).get('kit.json'), 'and the kit is read')
  }

  hands.deleteToken(token)
  hands.makeToken('dop_v1_new')
  const without = await box.run('scripts/status.mts')
  t.equal(without.code, 1)
  t.match(without.err, 'DigitalOcean does not accept the token')
  hands.use('dop_v1_new')
  t.equal(await asked(box, token, 'GET droplets'), 401)
  await bootstrap()
  const left = async () => {
    const open = [...keys].map(async ([name, key]) => ((await opened(box, key)).length > 0 ? [name] : []))
    return (await Promise.all(open)).flat()
  }
  t.same(await left(), ['nightly'], 'keys outlive the token; those named as regrow’s go with the next run')
  const list = await box.run('doctl', ['spaces', 'keys', 'list'])
  t.match(list.out, 'nightly')
  const gone = await box.run('doctl', ['spaces', 'keys', 'delete', keys.get('nightly')?.accessKey ?? ''])
  t.equal(gone.code, 0, gone.err)
  t.same(await left(), [])
  await works(t)
})

t.test('write access to Git, and the GitHub token', async (t) => {
  const token = box.env.GITHUB_TOKEN ?? ''
  const thief = { ...box.env }
  const theirs = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding' }
  const binding = {
    ...theirs,
    metadata: { name: 'mallory' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'mallory' }],
  }
  const sha = await commit(thief, { 'clusters/main/apps/mallory.yaml': [binding] })
  t.ok(await eventually('get clusterrolebinding mallory -o name'), 'a commit makes an administrator')
  const keys = '/repos/bob/regrow-main/keys'
  const key = { title: 'mallory', key: otherKey, read_only: false }
  await speak(box.env.REGROW_GITHUB_URL, token, 'POST', keys, key)

  hands.deleteGitHubToken(token)
  hands.makeGitHubToken('ghp_new')
  await t.rejects(commit(thief, { 'clusters/main/apps/mallory2.yaml': [binding] }), /401/)
  hands.useGitHub('ghp_new')
  t.same(await box.github('GET', keys), [], 'the deploy keys that it added went with it, the thief’s too')
  const refused = await box.run('scripts/status.mts')
  t.match(refused.out, 'its deploy key is missing')
  t.match((await bootstrap()).err, '+ deploy key of bob/regrow-main  read-only')
  t.match(await box.github('GET', keys), [{ title: 'argocd main', read_only: true }])
  t.match(await shop.kubectl('get clusterrolebinding mallory -o name'), 'mallory', 'what it did stays')

  const clone = join(box.dir, 'clone')
  const git = async (...words: string[]) => {
    const at = `http://bob:ghp_new@${new URL(box.env.REGROW_GITHUB_URL ?? '').host}/`
    const env = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.${at}.insteadOf`,
      GIT_CONFIG_VALUE_0: 'https://github.com/',
    }
    const ended = await box.run('git', words, { env })
    if (ended.code !== 0) throw new Error(ended.err)
    return ended.out
  }
  await git('clone', '--quiet', 'https://github.com/bob/regrow-main', clone)
  t.match(await git('-C', clone, 'log', '--format=%H %s'), `${sha} clusters/main/apps/mallory.yaml`)
  const who = ['-c', 'user.name=Bob', '-c', 'user.email=bob@example.org']
  await git('-C', clone, ...who, 'revert', '--no-edit', sha)
  await git('-C', clone, 'push', '--quiet', 'origin', 'HEAD:main')
  t.ok(await eventually('get clusterrolebinding mallory -o name', false), 'the revert takes it away')
  await works(t)
})

t.test('a laptop: both tokens and the kubeconfig', async (t) => {
  const leaked = join(box.dir, 'leaked.yaml')
  copyFileSync(own, leaked)
  const [cloud = '', github = ''] = [box.env.DIGITALOCEAN_TOKEN, box.env.GITHUB_TOKEN]
  t.ok(await opensCluster(box, leaked))
  t.equal(await asked(box, cloud, 'GET droplets'), 200)
  hands.deleteToken(cloud)
  hands.deleteGitHubToken(github)
  hands.makeToken('dop_v1_third')
  hands.makeGitHubToken('ghp_third')
  hands.use('dop_v1_third')
  hands.useGitHub('ghp_third')
  await bootstrap()
  const revoked = await box.run('scripts/kubeconfig.mts', ['--revoke'])
  t.equal(revoked.code, 0, revoked.err)
  t.notOk(await opensCluster(box, leaked))
  t.ok(await opensCluster(box, own))
  t.equal(await asked(box, cloud, 'GET droplets'), 401)
  await t.rejects(speak(box.env.REGROW_GITHUB_URL, github, 'GET', '/user'), /401/)
  await works(t)
})

t.test('the cluster’s Spaces key, ended by a restore in place of the cluster', async (t) => {
  const thief = await veleroKey()
  const words = ['--backup', 'latest', '--replace', '--yes', '--json']
  const ended = await box.run('restore.mts', words)
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), { verdict: /^PROVEN/ })
  t.same(await opened(box, thief), [])
  t.same(await opened(box, await veleroKey()), ['velero'])
  await works(t)
})
