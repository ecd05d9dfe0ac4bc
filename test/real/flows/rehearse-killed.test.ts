import t from 'tap'
import { z } from 'zod'
import { thisProcess } from '../../../lib/base/alive.ts'
import { names } from '../../../lib/base/names.ts'
import { openTestBox } from '../../flows/box.ts'

// A SIMULATED cluster whose rehearsal is killed: test/faults does it everywhere, this in one place and with what is not
// the drill's beside it. Few rehearsals in one world: Spaces takes a key's value five times in five minutes.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const grown = await box.run('bootstrap.mts')
t.equal(grown.code, 0, grown.err)

const named = (list: unknown) =>
  z
    .array(z.object({ name: z.string() }))
    .parse(list)
    .map((one) => one.name)
const everything = async () => ({
  droplets: named((await box.cloud('GET', '/v2/droplets')).droplets),
  volumes: named((await box.cloud('GET', '/v2/volumes')).volumes),
  projects: named((await box.cloud('GET', '/v2/projects')).projects),
  keys: named((await box.cloud('GET', '/v2/spaces/keys')).keys),
})

t.test('a rehearsal that was killed: the next one removes what it left, and leaves nothing', async (t) => {
  const before = await everything()
  const death = new AbortController()
  const [killed] = await Promise.all([
    box.run('scripts/rehearse.mts', [], { kill: death.signal }),
    box.once(
      (one) => one.method === 'DELETE' && one.path.startsWith('/v2/droplets/'),
      async () => death.abort(),
    ),
  ])
  t.equal(killed.code, null)
  t.strictNotSame(await everything(), before)
  const ended = await box.run('scripts/rehearse.mts', ['--json'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, 'what an earlier rehearsal left as main-drill is removed first')
  t.match(JSON.parse(ended.out), { wrong: [], proof: { missing: [], server: 'main-drill-1' } })
  t.same(await everything(), before)
})

t.test('a cluster that happens to have the drill’s name is not a rehearsal’s, and stays', async (t) => {
  const other = await box.run('bootstrap.mts', ['--name', 'main-drill'])
  t.equal(other.code, 0, other.err)
  const before = await everything()
  t.match(before.droplets, ['main-1', 'main-drill-1'])
  const ended = await box.run('scripts/rehearse.mts')
  t.equal(ended.code, 1)
  t.match(ended.err, 'cluster main-drill is not a rehearsal’s, and a rehearsal needs that name')
  t.same(await everything(), before)
})

t.test('a flow puts away the keys of killed runs, and none of a run that lives', async (t) => {
  const { keys } = await everything()
  const [alive, dead] = [thisProcess(), thisProcess().replace(/[0-9a-f]{6}$/, '000000')]
  const living = names.readerKey('main', new Date(), alive)
  const [reader, operator] = [
    names.readerKey('main', new Date(), dead),
    names.operatorKey('main', new Date(), dead),
  ]
  const grants = [{ bucket: '', permission: 'fullaccess' }]
  for (const name of [living, reader, operator]) await box.cloud('POST', '/v2/spaces/keys', { name, grants })
  const scaled = await box.run('scale.mts')
  t.equal(scaled.code, 0, scaled.err)
  t.match(scaled.err, 'nothing to do')
  t.same((await everything()).keys, [...keys, living], 'one that takes the lock for it')
  await box.cloud('POST', '/v2/spaces/keys', { name: reader, grants })
  const status = await box.run('scripts/status.mts')
  t.equal(status.code, 0, status.err)
  t.same((await everything()).keys, [...keys, living], 'one that only reads')
})
