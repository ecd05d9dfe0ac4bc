import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf, request } from '../../flows/fleet.ts'
import { jumpingClock } from '../../flows/jumping-clock.ts'
import { ageNote } from '../../flows/notes.ts'

// SIMULATED machines of which nothing is ever heard, an agent and a first server. Their half an hour passes by a clock that jumps: that of the flow's
// own process, once it is seen to wait.

t.setTimeout(300_000) // on a machine that may be busy
const box = await openTestBox(t)
const { droplets, nodes } = fleetOf(box)
const { env, jump } = jumpingClock(box)
const asked = request('GET', /-kit\/nodes\/main-2\/started\.json/)

t.test('after half an hour it is named, and what is to be done; it stays described', async (t) => {
  t.equal((await box.run('bootstrap.mts')).code, 0)
  box.behave({ silent: ['^main-2$'] })
  const [ended] = await Promise.all([
    box.run('scale.mts', ['--add', '2'], { env }),
    box.once(request('POST', /^\/v2\/droplets$/), () =>
      box.once(asked, async () => {
        // The other one joins in its own time.
        while (!(await nodes()).includes('node/main-3')) await new Promise((done) => setTimeout(done, 50))
        await box.once(asked, async () => jump())
      }),
    ),
  ])
  t.equal(ended.code, 1, ended.err)
  t.match(
    ended.err,
    'timed out after 1800 s waiting until 2 machines join (last seen: main-2: nothing was heard from it)',
  )
  t.match(
    ended.err,
    /→ What did not join is billed as well\. \S+scale\.mts --name main --sandbox puts another/,
  )
  t.same(
    (await droplets()).toSorted(),
    [1, 2, 3].map((n) => `main-${n} s-1vcpu-2gb active`),
  )
  t.same(await nodes(), ['node/main-1', 'node/main-3'])
})

t.test('the next run puts another in its place, and nothing of it stays', async (t) => {
  ageNote(box, 'main-2', 1801)
  const shown = await box.run('scale.mts', ['--dry-run'])
  t.match(
    shown.err,
    '! main-2  it never joined (nothing was ever heard from it): another machine takes its place',
  )
  t.match(
    (await droplets()).toSorted(),
    ['main-1', 'main-2', 'main-3'].map((name) => new RegExp(name)),
    'only shown',
  )
  const ended = await box.run('scale.mts')
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, '- droplet main-2')
  t.same(
    (await droplets()).toSorted(),
    [1, 3, 4].map((n) => `main-${n} s-1vcpu-2gb active`),
  )
  t.same(await nodes(), ['node/main-1', 'node/main-3', 'node/main-4'])
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.notMatch(again.err, /^[+~-] /m)
})

t.test('one that had joined, and whose node a person took away, is not replaced', async (t) => {
  ageNote(box, 'main-4', 7200)
  const told = await box.run('kubectl', ['delete', 'node', 'main-4'])
  t.equal(told.code, 0, told.err)
  const shown = await box.run('scale.mts', ['--dry-run'])
  t.notMatch(
    shown.err,
    'another machine takes its place',
    'it had joined: its node was taken away by a person',
  )
})

t.test(
  'a first server that stays silent is named after its time, and the next run puts another in its place',
  async (t) => {
    const box = await openTestBox(t)
    const { env, jump } = jumpingClock(box)
    box.behave({ silent: ['^main-1$'] })
    const [ended] = await Promise.all([
      box.run('bootstrap.mts', [], { env }),
      box.once(request('POST', /^\/v2\/droplets$/), () =>
        box.once(request('GET', /-kit\/nodes\/main-1\/started\.json/), async () => jump()),
      ),
    ])
    t.equal(ended.code, 1, ended.err)
    t.match(ended.err, /^x nothing was heard from main-1 within 900 s$/m)
    t.match(ended.err, 'puts another in its place if it is still silent then')
    const young = jumpingClock(box)
    const [waited] = await Promise.all([
      box.run('bootstrap.mts', [], { env: young.env }),
      box.once(request('GET', /-kit\/nodes\/main-1\/started\.json/), () =>
        box.once(request('GET', /-kit\/nodes\/main-1\/started\.json/), async () => young.jump()),
      ),
    ])
    t.equal(waited.code, 1, waited.err)
    t.notMatch(waited.err, '- droplet main-1', 'it has a quarter of an hour')
    ageNote(box, 'main-1', 901)
    const again = await box.run('bootstrap.mts')
    t.equal(again.code, 0, again.err)
    t.match(again.err, '- droplet main-1  it never reported')
    t.match(again.err, '~ first server main-2  instead of main-1: it never reported')
    t.match(again.err, /^[+=] node main-2 {2}Ready/m)
    t.same(await fleetOf(box).droplets(), ['main-2 s-1vcpu-2gb active'])
  },
)
