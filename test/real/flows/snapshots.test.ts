import t from 'tap'
import { z } from 'zod'
import { confirmed, mutating, openTestBox } from '../../flows/box.ts'
import { openShop } from '../../flows/shop.ts'

// A SIMULATED cluster whose backups are snapshots at DigitalOcean, lost and brought back: each test stands on what the
// one before left.

t.setTimeout(900_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
box.file('wanted.yaml', 'backups: {volumes: snapshot, keepDays: 10}\n')
const shop = await openShop(box, ['--config', 'wanted.yaml'])
await shop.write()
let before: Awaited<ReturnType<typeof shop.content>>

const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
const there = z.array(z.object({ id: z.string(), resource_id: z.string().optional(), name: z.string() }))
const snapshots = async () => there.parse((await box.cloud('GET', '/v2/snapshots')).snapshots)
const volumes = async () => there.parse((await box.cloud('GET', '/v2/volumes')).volumes)
const result = z.looseObject({
  removed: z.array(z.string()),
  kept: z.array(z.string()),
  left: z.array(z.string()),
})

t.test(
  'a snapshot of a volume that had one a moment ago is waited for, and that is told before',
  async (t) => {
    box.behave({ digitalocean: { snapshotPauseMs: 15_000 } })
    await shop.write()
    const first = await box.run('scripts/backup.mts', ['--backup', 'early'])
    t.equal(first.code, 0, first.err)
    const ended = await box.run('scripts/backup.mts', ['--backup', 'first', '--json'])
    t.equal(ended.code, 0, ended.err)
    t.match(
      ended.err,
      /snapshots {2}DigitalOcean allows one snapshot per volume every 10 minutes: this backup may wait up to \d+ minutes?/,
    )
    const refused = ended.requests.filter((one) => one.method === 'POST' && one.status === 429)
    t.ok(refused.length > 0, 'DigitalOcean refused for a while')
    t.match(JSON.parse(ended.out), {
      whole: true,
      volumes: [
        { claim: 'hello/hello', kept: 'snapshot' },
        { claim: 'shop/files', kept: 'snapshot' },
      ],
      perMonth: 0.18,
    })
    box.behave({})
    before = await shop.content()
  },
)

t.test('a snapshot does not leave its region, and nothing is made before that is told', async (t) => {
  const ended = await shop.restore('--backup', 'first', '--as', 'copy', '--region', 'nyc3')
  t.equal(ended.code, 1)
  t.match(ended.err, /snapshot \S+ of claim shop\/files is in fra1/)
  t.match(ended.err, 'It cannot come back in nyc3; a backup with --volumes s3 could.')
  t.equal((await volumes()).length, 2)
})

for (const [generation, server] of [
  [1, 'main-2'],
  [2, 'main-3'],
] as const)
  t.test(`generation ${generation}: every byte comes back from its snapshot`, async (t) => {
    await shop.lose()
    const ended = await shop.restore('--backup', 'latest')
    t.equal(ended.code, 0, ended.err)
    const proof = JSON.parse(ended.out)
    t.same(proof.missing, [])
    t.equal(proof.server, server)
    t.same(await shop.content(), before)
    await shop.write()
    before = await shop.content()
    const taken = await box.run('scripts/backup.mts', ['--backup', `generation-${generation}`])
    t.equal(taken.code, 0, taken.err)
  })

t.test('destroy keeps the snapshots that backups stand on, and the volume that none holds', async (t) => {
  const orphan = { name: 'pvc-orphan', region: 'fra1', size_gigabytes: 5, tags: ['regrow:main'] }
  await box.cloud('POST', '/v2/volumes', orphan)
  const kept = await snapshots()
  const ended = await box.run('scripts/destroy.mts', ['--json', ...confirmed()])
  t.equal(ended.code, 0, ended.err)
  const told = result.parse(JSON.parse(ended.out))
  t.same(told.left, [])
  t.same(await snapshots(), kept)
  for (const { name } of kept)
    t.ok(told.kept.some((line) => new RegExp(`^snapshot ${name}, [12] GiB {2}\\$0\\.(06|12)$`).test(line)))
  t.ok(told.kept.includes('volume pvc-orphan, 5 GiB (no whole backup holds it)  $0.50'), told.kept.join('\n'))
  t.same(
    (await volumes()).map((one) => one.name),
    ['pvc-orphan'],
  )
})

t.test('what was destroyed comes back from them', async (t) => {
  const ended = await shop.restore('--backup', 'generation-2')
  t.equal(ended.code, 0, ended.err)
  t.same(await shop.content(), before)
})

t.test('what is left against the wish is a failure, by its name', async (t) => {
  const late = { name: 'pvc-late', region: 'fra1', size_gigabytes: 1, tags: ['regrow:main'] }
  const [ended] = await Promise.all([
    box.run('scripts/destroy.mts', ['--json', ...confirmed()]),
    box.once(
      (one) => one.method === 'DELETE' && one.path.startsWith('/v2/droplets/'),
      () => box.cloud('POST', '/v2/volumes', late),
    ),
  ])
  t.equal(ended.code, 1)
  t.match(ended.err, 'not all is gone:\n    volume pvc-late')
  t.same(result.parse(JSON.parse(ended.out)).left, ['volume pvc-late'])
  const again = await box.run('scripts/destroy.mts', ['--json', ...confirmed()])
  t.equal(again.code, 0, again.err)
  t.ok(
    result
      .parse(JSON.parse(again.out))
      .kept.some((line) => line.startsWith('volume pvc-late, 1 GiB (no whole')),
  )
})

t.test('a snapshot that is gone is missed before anything is bought', async (t) => {
  const [one] = (await snapshots()).filter((each) => each.resource_id !== undefined)
  await shop.lose()
  await box.cloud('DELETE', `/v2/snapshots/${one?.id}`)
  const listed = await box.run('scripts/backups.mts', ['--json'])
  const first = z.array(z.object({ name: z.string(), wholeness: z.string() })).parse(JSON.parse(listed.out))
  t.equal(first.find(({ name }) => name === 'main-first')?.wholeness, 'partial')
  const ended = await box.run('restore.mts', ['--backup', 'main-first'])
  t.equal(ended.code, 1)
  t.match(ended.err, `claim hello/hello: its bytes are gone: snapshot ${one?.id} is not at DigitalOcean`)
  t.same(
    mutating(ended.requests).filter((each) => !own.test(each)),
    [],
  )
})

t.test('with --with-backups it asks twice, and then everything goes', async (t) => {
  const words = ['--with-backups', '--yes']
  const unasked = { env: { REGROW_ANSWER: undefined } }
  const once = await box.run('scripts/destroy.mts', [...words, '--confirm', 'main'], unasked)
  t.equal(once.code, 2)
  const bucket = /--confirm-backups (\S+?)\.?\n/.exec(once.err)?.[1] ?? ''
  t.match(bucket, /^regrow-main-[0-9a-f]{10}-velero$/)
  const wrong = await box.run(
    'scripts/destroy.mts',
    [...words, '--confirm', 'main', '--confirm-backups', 'x'],
    unasked,
  )
  t.equal(wrong.code, 2)
  t.ok((await snapshots()).length > 0)
  const half = [...words, '--confirm', 'main', '--confirm-backups', bucket]
  const kit = bucket.replace(/velero$/, 'kit')
  t.match((await box.run('scripts/destroy.mts', half, unasked)).err, `Add --confirm-kit ${kit}.`)
  t.ok((await snapshots()).length > 0)
  const all = [...half, '--confirm-kit', kit, '--json']
  const ended = await box.run('scripts/destroy.mts', all, unasked)
  t.equal(ended.code, 0, ended.err)
  t.same(result.parse(JSON.parse(ended.out)).left, [])
  t.same(await snapshots(), [])
  t.same(await volumes(), [])
  t.same((await box.cloud('GET', '/v2/tags')).tags, [])
})
