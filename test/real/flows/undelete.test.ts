import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import t from 'tap'
import { commit, committed } from '../../census/repository.ts'
import { confirmed, openTestBox, withBucket } from '../../flows/box.ts'
import { openShop } from '../../flows/shop.ts'
import { asThief } from '../../flows/thief.ts'

// One SIMULATED cluster whose backups somebody deletes, with the very key that lies in the cluster, and then by Velero.

t.setTimeout(600_000)
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('kept')
const bucketName = withBucket(box.dir, confirmed()[3] ?? '')
const deleted = async () => {
  const ended = await box.run('scripts/backups.mts', ['--deleted', '--json'])
  t.equal(ended.code, 0, ended.err)
  return JSON.parse(ended.out) as { name: string; deleted: string; until: string; wholeness: string }[]
}

t.test('what keeps the past is set once, with a key that is gone then', async (t) => {
  const again = await box.run('bootstrap.mts', ['--yes', '--verbose'])
  t.equal(again.code, 0, again.err)
  t.notMatch(again.err, /-setup/, 'the second bootstrap mints no key with full access')
  const { keys } = (await box.cloud('GET', '/v2/spaces/keys')) as { keys: { name: string }[] }
  t.notMatch(keys.map(({ name }) => name).join(' '), /-setup/)
  t.same(await deleted(), [])
})

t.test(
  'a bucket that an earlier regrow made keeps the past from the next bootstrap on, as long as backups are kept',
  async (t) => {
    const spaces = join(box.dir, '.sandbox', 'spaces')
    const file = join(spaces, bucketName, '@bucket')
    const settings = () => JSON.parse(readFileSync(file, 'utf8')) as { versioned?: true; lifecycle?: object }
    const { versioned: _, lifecycle: __, ...plain } = settings()
    writeFileSync(file, JSON.stringify(plain))
    const kit = bucketName.replace(/-velero$/, '-kit')
    for (const part of ['@', '@meta']) rmSync(join(spaces, kit, `versions.json${part}`))
    t.equal((await box.run('bootstrap.mts', ['--yes'])).code, 0)
    t.match(settings(), { versioned: true, lifecycle: { noncurrentDays: 30 } })
    const path = 'clusters/main/cluster.yaml'
    const description = load(await committed(box.env, path)) as { backups?: object }
    await commit(box.env, { [path]: [{ ...description, backups: { ...description.backups, keepDays: 45 } }] })
    t.equal((await box.run('bootstrap.mts', ['--yes'])).code, 0)
    t.match(settings(), { versioned: true, lifecycle: { noncurrentDays: 45 } })
  },
)

t.test('a name that nobody knows, none at all, and a backup that was not deleted', async (t) => {
  const none = await shop.restore('--replace', '--backup', 'nobody', '--undelete')
  t.equal(none.code, 2, none.err)
  t.match(none.err, 'there is no backup “nobody”, and none of that name was deleted')
  for (const words of [[], ['--backup', 'latest']]) {
    const unnamed = await shop.restore('--undelete', ...words)
    t.equal(unnamed.code, 2, unnamed.err)
    t.match(unnamed.err, '--undelete needs the name of a backup')
  }
  const there = await shop.restore('--replace', '--backup', 'kept', '--undelete', '--dry-run')
  t.equal(there.code, 0, there.err)
  t.match(there.err, '= backup kept  is there: nothing is to be brought back first')
})

t.test('a key that a thief chose is one word of the command that is shown', async (t) => {
  const thief = await asThief(box, shop)
  const key = 'backups/kept/x; touch pwned'
  await thief.put(key, 'x')
  const shown = await box.run('restore.mts', ['--replace', '--backup', 'kept', '--undelete', '--dry-run'])
  t.equal(shown.code, 0, shown.err)
  t.match(shown.out, `aws s3 rm 's3://${bucketName}/${key}'`)
  for (const { id } of await thief.versions(key)) await thief.remove(key, id)
})

t.test('a thief deletes everything in the bucket; it is found, brought back and proven', async (t) => {
  const before = await shop.content()
  const stolen = await asThief(box, shop)
  for (const { key } of await stolen.list()) await stolen.remove(key)
  const there = await box.run('scripts/backups.mts', ['--json'])
  t.same(JSON.parse(there.out), [])
  const found = await deleted()
  t.match(
    found.find(({ name }) => name === 'kept'),
    { wholeness: 'whole', deleted: /^20/, until: /^20/ },
  )
  const table = await box.run('scripts/backups.mts', ['--deleted'])
  t.match(table.out, /^kept +whole +\d{4}-\d\d-\d\d \d\d:\d\d +\d{4}-\d\d-\d\d \d\d:\d\d +\d{4}-\d\d-\d\d$/m)
  await shop.lose()
  const without = await shop.restore('--backup', 'kept')
  t.equal(without.code, 1, without.err)
  t.match(without.err, /there is no backup in/)
  t.match(without.err, '--deleted')

  const shown = await box.run('restore.mts', ['--backup', 'kept', '--undelete', '--dry-run'])
  t.equal(shown.code, 0, shown.err)
  t.match(shown.out, /\+ \d+ objects of kept come back into the bucket, gone since 20/)
  t.match(shown.out, /aws s3api copy-object --bucket \S+-velero --key kopia\//)
  t.same(
    JSON.parse((await box.run('scripts/backups.mts', ['--json'])).out),
    [],
    'a dry run brings nothing back',
  )

  const words = ['--backup', 'kept', '--undelete']
  const kill = new AbortController()
  const [killed] = await Promise.all([
    box.run('restore.mts', [...words, '--yes'], { kill: kill.signal }),
    box.once(
      (one) => one.service === 'spaces' && one.method === 'PUT' && one.path.includes('/kopia/'),
      async () => kill.abort(),
    ),
  ])
  t.equal(killed.code, null, 'it was killed in the middle of that')
  const ended = await shop.restore(...words)
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), { verdict: 'PROVEN', backup: { name: 'kept' } })
  t.same(await shop.content(), before, 'every byte')
  const once = await shop.restore(...words)
  t.equal(once.code, 0, once.err)
  t.match(once.err, '= backup kept  is there')
})

t.test('what Velero itself deleted, and struck off in its repository, comes back as it was', async (t) => {
  await shop.write()
  await shop.backUp('second')
  const before = await shop.content()
  for (const name of ['kept', 'second']) // as velero backup delete asks for it
    await shop.kubectl(
      'apply --server-side -f -',
      JSON.stringify({
        apiVersion: 'velero.io/v1',
        kind: 'DeleteBackupRequest',
        metadata: { name: `delete-${name}`, namespace: 'velero' },
        spec: { backupName: name },
      }),
    )
  const left = async () =>
    (await (await asThief(box, shop)).list('backups/')).map(({ key }) => key.split('/')[1])
  const giveUp = Date.now() + 60_000
  while ((await left()).some((name) => name === 'kept' || name === 'second'))
    if (Date.now() > giveUp) throw new Error('Velero did not delete them within a minute')
  const names = (await deleted()).map(({ name }) => name)
  t.ok(names.includes('second') && names.includes('kept'))
  await shop.lose()
  const ended = await shop.restore('--backup', 'second', '--undelete')
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), { verdict: 'PROVEN' })
  t.same(await shop.content(), before)
})

t.test('a store that keeps no versions says so', async (t) => {
  box.behave({ limitedKeyVersions: 'nothing' })
  const refused = await box.run('scripts/backups.mts', ['--deleted'])
  t.equal(refused.code, 1)
  t.match(refused.err, /refused to list the versions of/)
  box.behave({})
})

t.test('a removal takes every version along, or the bucket could not go', async (t) => {
  const gone = await box.run('scripts/destroy.mts', ['--yes', '--with-backups', ...confirmed()])
  t.equal(gone.code, 0, gone.err)
  t.match(gone.err, /- bucket \S+-velero +with \d+ earlier versions and delete marks/)
})
