import t from 'tap'
import { z } from 'zod'
import { mutating, openTestBox } from '../../flows/box.ts'
import { openShop } from '../../flows/shop.ts'

// A SIMULATED cluster brought back while GitHub can be read and not written: each test stands on the one before.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('first')
const before = await shop.content()
const readOnly = () => box.behave({ githubMayWrite: false })
const described = 'description clusters/main/cluster.yaml'

const droplets = async () =>
  z.array(z.object({ name: z.string() })).parse((await box.cloud('GET', '/v2/droplets')).droplets)
const proof = z.looseObject({
  server: z.string(),
  missing: z.array(z.string()),
  unwritten: z.array(z.string()),
})
const file = async () => {
  const answer = await box.github(
    'GET',
    '/repos/bob/regrow-main/contents/clusters/main/cluster.yaml?ref=main',
  )
  return Buffer.from(z.object({ content: z.string() }).parse(answer).content, 'base64').toString()
}

t.test('everything comes back, and it is said what is not protected and not written', async (t) => {
  await shop.lose()
  readOnly()
  const ended = await shop.restore('--backup', 'first')
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /^! lock {2}could not be moved, so this run goes on without it \(GitHub refused/m)
  t.match(ended.err, 'NOT protected: a second run would not be kept out')
  t.match(ended.err, new RegExp(`^! ${described} {2}not written \\(GitHub refused to write a tree: 403`, 'm'))
  t.match(
    ended.err,
    /^! deploy key of bob\/regrow-main {2}not written \(GitHub refused to list deploy keys: 403/m,
  )
  const proven = proof.parse(JSON.parse(ended.out))
  t.same([proven.server, proven.missing], ['main-2', []])
  t.ok(proven.unwritten.includes(described), proven.unwritten.join())
  t.same(await shop.content(), before)
  t.match(await file(), 'name: main-1', 'Git does not know yet')
})

t.test('the same command again finds the machine that Git does not know, and makes no other', async (t) => {
  const again = await shop.restore('--backup', 'first')
  t.equal(again.code, 0, again.err)
  t.same(await droplets(), [{ name: 'main-2' }])
  const done = again.err.split('\n').filter((line) => /^[+~-] /.test(line))
  t.same(done, [])
})

t.test('every other command refuses, naming what is missing', async (t) => {
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 1)
  t.match(ended.err, 'the GitHub token may not write to bob/regrow-main')
})

t.test(
  'once GitHub takes it, the same command writes what it could not, and changes nothing else',
  async (t) => {
    box.behave({})
    const ended = await box.run('restore.mts', ['--backup', 'first'])
    t.equal(ended.code, 0, ended.err)
    t.match(await file(), 'name: main-2')
    t.notMatch(ended.out, 'not in git')
    const cloud = mutating(ended.requests).filter((one) =>
      /^digitalocean (?!(POST|DELETE) \/v2\/spaces\/keys)/.test(one),
    )
    t.same(cloud, [])
  },
)

t.test('one that was killed half-way is finished on the machine that it began', async (t) => {
  await shop.lose()
  readOnly()
  const kill = new AbortController()
  const running = box.run('restore.mts', ['--backup', 'first'], { kill: kill.signal })
  await box.once(
    (one) => one.service === 'digitalocean' && one.method === 'POST' && one.path.startsWith('/v2/droplets'),
    async () => kill.abort(),
  )
  t.equal((await running).code, null)
  const ended = await box.run('restore.mts', ['--backup', 'first'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.out, 'not in git')
  t.match(ended.out, 'restore.mts --name main --backup first --sandbox writes it once GitHub takes it')
  t.same(await droplets(), [{ name: 'main-3' }])
  t.same(await shop.content(), before)
})

t.test('beside a run that holds the lock and may be alive it does not go on', async (t) => {
  box.behave({})
  const holder = {
    state: 'held',
    flow: 'scale',
    who: 'carol',
    host: 'elsewhere',
    pid: 1,
    started: 'x',
    at: '2026-11-23T10:00:00Z',
  }
  const place = '/repos/bob/regrow-main/git'
  const sha = z.object({ sha: z.string() })
  const ref = z.object({ object: sha }).parse(await box.github('GET', `${place}/ref/regrow/lock`)).object.sha
  const { tree } = z.object({ tree: sha }).parse(await box.github('GET', `${place}/commits/${ref}`))
  const message = `regrow lock\n\n${JSON.stringify(holder)}\n`
  const commit = sha.parse(
    await box.github('POST', `${place}/commits`, { message, tree: tree.sha, parents: [ref] }),
  )
  await box.github('PATCH', `${place}/refs/regrow/lock`, { sha: commit.sha })
  await shop.lose()
  readOnly()
  const ended = await box.run('restore.mts', ['--backup', 'first'])
  t.equal(ended.code, 1)
  t.match(ended.err, 'bob/regrow-main is locked by carol on elsewhere')
  t.same(await droplets(), [])
})
