import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { confirmed, openTestBox } from '../../flows/box.ts'
import { ids, openShop } from '../../flows/shop.ts'

// A SIMULATED cluster and its like beside it.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('first')

const named = (list: unknown) =>
  z
    .array(z.object({ name: z.string() }))
    .parse(list)
    .map((one) => one.name)
/** Keys in the original's bucket of this kind. */
function filesOf(kind: string, which: RegExp): string[] {
  const spaces = join(box.dir, '.sandbox', 'spaces')
  const bucket =
    readdirSync(spaces).find((name) => name.startsWith('regrow-main-') && name.endsWith(kind)) ?? ''
  const all = readdirSync(join(spaces, bucket), { recursive: true, withFileTypes: true })
  const keys = all.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
  return keys.map((one) => one.slice(join(spaces, bucket).length + 1)).filter((one) => which.test(one))
}
const everything = async () => ({
  droplets: named((await box.cloud('GET', '/v2/droplets')).droplets),
  volumes: named((await box.cloud('GET', '/v2/volumes')).volumes),
  addresses: z
    .array(z.object({ ip: z.string() }))
    .parse((await box.cloud('GET', '/v2/reserved_ips')).reserved_ips),
  keys: named((await box.cloud('GET', '/v2/spaces/keys')).keys),
  content: await shop.content(),
})

t.test('flags that do not go together are refused before anything is looked at', async (t) => {
  for (const [words, said] of [
    [['--as', 'other', '--replace'], '--replace and --as do not go together'],
    [['--with-apps'], '--with-apps works only with --as'],
    [['--region', 'nyc3'], '--region works only with --as'],
    [['--as-repo', 'bob/drills'], '--as-repo works only with --as'],
  ] as const) {
    const ended = await shop.restore('--backup', 'first', ...words)
    t.equal(ended.code, 2)
    t.match(ended.err, said)
  }
})

t.test('beside the original: everything of its own, apps asleep, the original untouched', async (t) => {
  const before = await everything()
  const ended = await shop.restore('--backup', 'first', '--as', 'copy', '--region', 'nyc3')
  t.equal(ended.code, 0, ended.err)
  const proof = JSON.parse(ended.out)
  t.same(proof.missing, [])
  t.same(proof.dns, [], 'no name is led to it')
  t.same(
    proof.volumes.map((one: { claim: string }) => one.claim),
    ['hello/hello', 'shop/files'],
  )
  const kubeconfig = await box.run('scripts/kubeconfig.mts', ['--name', 'copy', '--output', 'copy.yaml'])
  t.equal(kubeconfig.code, 0, kubeconfig.err)
  const copy = (words: string) => shop.kubectl(`--kubeconfig copy.yaml ${words}`)
  t.equal(await copy('get deployment by-hand -n shop -o jsonpath={.spec.replicas}'), '0')
  t.equal(await copy('get statefulset hello -n hello -o jsonpath={.spec.replicas}'), '0')
  t.equal(await copy('get applications.argoproj.io root -n argocd --ignore-not-found -o name'), '')
  t.equal(await copy('get schedules.velero.io -n velero -o name'), '')
  t.equal(await copy('get backupstoragelocations.velero.io -n velero -o name'), '')
  t.equal(
    await copy('get secret only-here -n shop -o jsonpath={.data.word}'),
    (await shop.content()).word,
    'the Secrets came along',
  )
  const own = await box.run('kubectl', ['get', 'nodes'], { env: { KUBECONFIG: 'copy.yaml' } })
  t.match(own.out, 'copy-1')

  const after = await everything()
  t.same(after.content, before.content)
  t.same(after.addresses.slice(0, 1), before.addresses, 'the original’s address is the original’s')
  const keys = z
    .object({
      keys: z.array(z.object({ name: z.string(), grants: z.array(z.object({ bucket: z.string() })) })),
    })
    .parse(await box.cloud('GET', '/v2/spaces/keys')).keys
  const ofCopy = keys.filter((one) => one.name.startsWith('regrow-copy-velero'))
  t.equal(ofCopy.length, 1)
  t.notMatch(JSON.stringify(ofCopy), 'regrow-main', 'its key does not open the original’s backups any more')

  const left = filesOf('-velero', /^restores\//)
  t.same(left, [], 'what every restore writes beside the backups is gone')

  const again = await shop.restore('--backup', 'first', '--as', 'copy')
  t.equal(again.code, 1)
  t.match(again.err, 'cluster copy was made from a backup at')
  const gone = await box.run('scripts/destroy.mts', [
    '--name',
    'copy',
    '--with-backups',
    ...confirmed('copy'),
  ])
  t.equal(gone.code, 0, gone.err)
})

t.test('the drill: restored, proven, destroyed; nothing of it stays, and nothing else changed', async (t) => {
  // With a token that can make no repository, and one that a person made.
  await box.github('POST', '/user/repos', { name: 'drills', private: true, auto_init: true })
  box.behave({ githubMayCreate: false })
  const before = await everything()
  const words = ['--json', '--yes', '--backup', 'first', '--as-repo', 'bob/drills']
  const ended = await box.run('scripts/rehearse.mts', words, { env: { REGROW_ANSWER: undefined } })
  t.equal(ended.code, 0, ended.err)
  const drill = JSON.parse(ended.out)
  t.match(drill, { wrong: [], changed: [], proof: { missing: [], server: 'main-drill-1' } })
  t.match(drill.lastBackup, { name: 'first', vouching: 'vouched for' })
  t.ok(drill.seconds > 0)
  t.match(drill.cost.toFixed(2), '0.02')
  t.same(await everything(), before)
  t.equal(ids((await box.cloud('GET', '/v2/droplets')).droplets).length, 1)
})
