import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { z } from 'zod'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf, request } from '../../flows/fleet.ts'

// A SIMULATED agent of which nothing is ever heard. Its half an hour passes by a clock that jumps: that of the flow's
// own process, once it is seen to wait.

t.setTimeout(300_000) // on a machine that may be busy
const box = await openTestBox(t)
const { droplets, nodes } = fleetOf(box)
const jumps = join(box.dir, 'half-an-hour-has-passed')
const clock = box.file(
  'clock.mjs',
  `import { existsSync } from 'node:fs'
const now = performance.now.bind(performance)
performance.now = () => now() + (existsSync(${JSON.stringify(jumps)}) ? 1_801_000 : 0)
`,
)
const env = { NODE_OPTIONS: `--import=${pathToFileURL(clock)}` }
const asked = request('GET', /-kit\/nodes\/main-2\/started\.json/)

/** What was noted when the machine's bundle was made, as the kit's bucket has it. */
function madeAt(name: string, at?: string): string {
  const spaces = join(box.dir, '.sandbox', 'spaces')
  const kit = readdirSync(spaces).find((one) => one.endsWith('-kit')) ?? ''
  const file = join(spaces, kit, 'nodes', name, 'bundle.json@')
  const note = z.looseObject({ at: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8')))
  if (at) writeFileSync(file, JSON.stringify({ ...note, at }))
  return note.at
}

t.test('after half an hour it is named, and what is to be done; it stays described', async (t) => {
  t.equal((await box.run('bootstrap.mts')).code, 0)
  box.behave({ silent: ['^main-2$'] })
  const [ended] = await Promise.all([
    box.run('scale.mts', ['--add', '2'], { env }),
    box.once(request('POST', /^\/v2\/droplets$/), () =>
      box.once(asked, async () => {
        // The other one joins in its own time.
        while (!(await nodes()).includes('node/main-3')) await new Promise((done) => setTimeout(done, 50))
        await box.once(asked, async () => writeFileSync(jumps, ''))
      }),
    ),
  ])
  t.equal(ended.code, 1, ended.err)
  t.match(ended.err, '2 machines join: not within 1800 s (last seen: main-2: nothing was heard from it)')
  t.match(ended.err, '→ What did not join is billed all the same. ./scale.mts --name main puts another')
  t.same(
    (await droplets()).toSorted(),
    [1, 2, 3].map((n) => `main-${n} s-1vcpu-2gb active`),
  )
  t.same(await nodes(), ['node/main-1', 'node/main-3'])
})

t.test('the next run puts another in its place, and nothing of it stays', async (t) => {
  madeAt('main-2', new Date(Date.parse(madeAt('main-2')) - 1_801_000).toISOString())
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
  madeAt('main-4', new Date(Date.parse(madeAt('main-4')) - 7_200_000).toISOString())
  const told = await box.run('kubectl', ['delete', 'node', 'main-4'])
  t.equal(told.code, 0, told.err)
  const shown = await box.run('scale.mts', ['--dry-run'])
  t.notMatch(
    shown.err,
    'another machine takes its place',
    'it had joined: its node was taken away by a person',
  )
})
