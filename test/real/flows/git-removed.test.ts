import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { commit } from '../../census/repository.ts'
import { app } from '../../census/scene.ts'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf } from '../../flows/fleet.ts'
import { ids } from '../../flows/shop.ts'

// What leaves Git of a SIMULATED cluster after the backup, and what becomes of it with each answer. In `shop` a claim and
// a ConfigMap leave Git and their namespace stays; of `till` only the Namespace ever stood in Git, and everything in it was
// made by hand.

t.setTimeout(900_000) // four restores, on a machine that may be busy
const box = await openTestBox(t)
const { droplets } = fleetOf(box)
const kubectl = async (words: string[], input?: object) => {
  const ended = await box.run('kubectl', words, input ? { input: JSON.stringify(input) } : {})
  if (ended.code !== 0) throw new Error(ended.err)
  return ended.out.trim()
}
/** With it Argo CD deletes what holds data as well, as it did in clusters that were grown before it was kept from that. */
const annotations = { 'argocd.argoproj.io/sync-options': 'Prune=true' }
const space = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, annotations } })
const claimOf = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'ledger', namespace, annotations },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'do-block-storage',
    resources: { requests: { storage: '1Gi' } },
  },
})
const settings = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'shop' },
  data: { a: '1' },
}
const pin = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'pin', namespace: 'till' },
  data: { a: 'MQ==' },
}
const [ledger, till] = [app('shop/ledger.yaml'), app('till/namespace.yaml')]
const leaving = { [ledger]: [claimOf('shop'), settings], [till]: [space('till')] }

/** Waits until `kubectl get` finds a thing, or no longer does. */
async function until(there: boolean, ...words: string[]) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const found = await box.run('kubectl', ['get', ...words, '--ignore-not-found', '-o', 'name'])
    if ((found.out.trim() !== '') === there) return
  }
  throw new Error(`${words.join(' ')} is ${there ? 'not there' : 'still there'} after a minute`)
}
/** Has Argo CD look at Git now. */
const refresh = () =>
  kubectl([
    ...['annotate', 'application', 'apps', '-n', 'argocd'],
    ...['argocd.argoproj.io/refresh=normal', '--overwrite'],
  ])
const folderOf = async (namespace: string) => {
  const volume = await kubectl(['get', 'pvc', 'ledger', '-n', namespace, '-o', 'jsonpath={.spec.volumeName}'])
  const handle = await kubectl(['get', 'pv', volume, '-o', 'jsonpath={.spec.csi.volumeHandle}'])
  return join(box.dir, '.sandbox', 'volumes', handle)
}
const bytesOf = async (namespace: string) => readFileSync(join(await folderOf(namespace), 'books'), 'utf8')
const volumes = async () => ids((await box.cloud('GET', '/v2/volumes')).volumes)
const inGit = async (path: string) =>
  box.github('GET', `/repos/bob/regrow-main/contents/${path}`).then(
    () => true,
    () => false,
  )
const proof = z.looseObject({
  verdict: z.string(),
  headline: z.string(),
  stays: z.array(z.string()),
  objects: z.array(
    z.object({ resource: z.string(), id: z.string(), outcome: z.string(), why: z.string().optional() }),
  ),
})
const restored = async (...words: string[]) => {
  const ended = await box.run('restore.mts', ['--backup', 'first', '--replace', '--json', ...words])
  return { ...ended, proof: ended.code === 0 ? proof.parse(JSON.parse(ended.out)) : undefined }
}
const things = [
  ['persistentvolumeclaims', 'shop/ledger'],
  ['configmaps', 'shop/settings'],
  ['namespaces', 'till'],
  ['persistentvolumeclaims', 'till/ledger'],
  ['secrets', 'till/pin'],
] as const
const wordsOf = (resource: string, id: string) => {
  const [name = '', namespace] = id.split('/').reverse()
  return [resource, name, ...(namespace ? ['-n', namespace] : [])]
}
const outcomesOf = ({ objects }: z.infer<typeof proof>) =>
  things.map(([resource, id]) => objects.find((one) => one.resource === resource && one.id === id))

await box.run('bootstrap.mts')
await commit(box.env, { [app('shop/namespace.yaml')]: [space('shop')], ...leaving })
await refresh()
await until(true, ...wordsOf('configmaps', 'shop/settings'))
await until(true, 'namespace', 'till')
for (const one of [claimOf('till'), pin]) await kubectl(['apply', '--server-side', '-f', '-'], one)
for (const namespace of ['shop', 'till']) {
  await kubectl(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/ledger', '-n', namespace])
  const folder = await folderOf(namespace)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'books'), `the only copy, of ${namespace}`)
}
const taken = await box.run('scripts/backup.mts', ['--backup', 'first'])
if (taken.code !== 0) throw new Error(taken.err)

/** The files leave Git, and Argo CD deletes what they brought. */
async function removed() {
  const sha = await commit(box.env, Object.fromEntries(Object.keys(leaving).map((path) => [path, undefined])))
  await refresh()
  for (const [resource, id] of things) await until(false, ...wordsOf(resource, id))
  return sha
}
let sha = await removed()

t.test('nothing is bought before somebody has chosen', async (t) => {
  const before = [await droplets(), await volumes()]
  const ended = await restored()
  t.equal(ended.code, 1)
  t.match(ended.err, `commit ${sha.slice(0, 7)}`)
  for (const name of ['claim shop/ledger (1Gi)', 'claim till/ledger (1Gi), with Namespace till'])
    t.match(ended.err, name)
  for (const word of ['revert', 'keep', 'drop'])
    t.match(ended.err, `restore.mts --name main --backup first --replace --git-removed ${word} --sandbox`)
  t.same([await droplets(), await volumes()], before)
})

t.test('revert: the files are in Git again, and everything is there and stays', async (t) => {
  const ended = await restored('--git-removed', 'revert')
  t.equal(ended.code, 0, ended.err)
  t.equal(ended.proof?.headline, 'PROVEN')
  for (const path of [ledger, till]) t.ok(await inGit(path), path)
  await refresh()
  for (const [resource, id] of things) await until(true, ...wordsOf(resource, id))
  for (const namespace of ['shop', 'till'])
    t.equal(await bytesOf(namespace), `the only copy, of ${namespace}`)
  t.same(await droplets(), ['main-2 s-1vcpu-2gb active'])
  t.same(ended.proof?.stays, [])
})

t.test('keep: outside Git’s hands everything is there, and Argo CD prunes none of it', async (t) => {
  sha = await removed()
  const ended = await restored('--git-removed', 'keep')
  t.equal(ended.code, 0, ended.err)
  t.equal(ended.proof?.headline, 'PROVEN')
  for (const path of [ledger, till]) t.notOk(await inGit(path), path)
  await refresh()
  // Long enough for a sync that would prune.
  await kubectl(['wait', '--for=jsonpath={.status.sync.status}=Synced', 'application/apps', '-n', 'argocd'])
  for (const [resource, id] of things) {
    const found = JSON.parse(await kubectl(['get', ...wordsOf(resource, id), '-o', 'json']))
    t.notOk(found.metadata.annotations?.['argocd.argoproj.io/tracking-id'], id)
    t.notOk(found.metadata.deletionTimestamp, id)
  }
  for (const namespace of ['shop', 'till'])
    t.equal(await bytesOf(namespace), `the only copy, of ${namespace}`)
  t.same(await droplets(), ['main-3 s-1vcpu-2gb active'])
})

t.test('drop: it does not come back, the proof says why, and its last volumes stay', async (t) => {
  const last = [await folderOf('shop'), await folderOf('till')].map((one) => one.split('/').at(-1) ?? '')
  const ended = await restored('--git-removed', 'drop')
  t.equal(ended.code, 0, ended.err)
  t.match(ended.proof?.headline, /^PROVEN, \d+ objects not restored$/)
  for (const one of ended.proof ? outcomesOf(ended.proof) : [])
    t.match(one, { outcome: 'not restored', why: `Git has it no longer: commit ${sha.slice(0, 7)}` })
  for (const path of [ledger, till]) t.notOk(await inGit(path), path)
  for (const [resource, id] of things) await until(false, ...wordsOf(resource, id))
  t.same(await droplets(), ['main-4 s-1vcpu-2gb active'])
  const left = readdirSync(join(box.dir, '.sandbox', 'volumes'))
  for (const id of last) {
    t.ok((await volumes()).includes(id) && left.includes(id), 'a volume that was not proven on another stays')
    t.match(ended.proof?.stays.join('\n'), `compute volume delete ${id} removes it`)
  }
})
