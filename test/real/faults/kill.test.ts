import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { bootstrap, breakable } from '../../faults/flows.ts'
import { killedAt, undisturbed } from '../../faults/harness.ts'
import { faultsOf, sideBySide } from '../../faults/judge.ts'
import { type Point, tellPoint } from '../../faults/points.ts'
import { readSeen } from '../../faults/seen.ts'
import { drawnBy, drawnFlows } from '../../faults/share.ts'

// SIMULATED clouds, real processes, real SIGKILLs: every mutating request of every flow, right before and right after its
// effect, that the sweep has seen to end well (test/faults/sweep.json), or a share of them drawn by the commit
// (`REGROW_SHARE`); then the same command again. The world must end as if nothing had happened.

const sides = ['before', 'after'] as const
const known = readSeen()

const { drawn, others } = drawnFlows(breakable)
const skip = 'NOT RUN: this commit draws other flows'
for (const { name } of others) t.test(`${name}, killed everywhere`, { skip }, async () => {})

for (const flow of drawn) {
  t.test(`${flow.name}, killed everywhere`, { timeout: 3_000_000 }, async (t) => {
    const expected = await undisturbed(flow)
    const all = expected.points
      .filter((one) => one.mutates)
      .flatMap((point) => sides.map((side) => ({ point, side })))
    const name = ({ point, side }: (typeof all)[number]) => `killed ${side} ${tellPoint(point)}`
    const seen = all.filter((one) => known[`${flow.name}: ${name(one)}`]?.wrong.length === 0)
    const kills = drawnBy(seen, name)
    await sideBySide(kills, async ({ point, side }) => {
      const broken = await killedAt(flow, point, side, expected)
      t.same(faultsOf(broken), [], `${flow.name} killed ${side} ${tellPoint(point)}`)
    })
    t.ok(all.length >= (flow.always ? 60 : 6), `${all.length} points of ${flow.name}`)
    t.comment(
      `${flow.name}: killed at ${kills.length} of ${all.length} points in ${expected.points.length} requests`,
    )
    const others = all.length - seen.length
    const skip = 'NOT RUN: npm run test:sweep has not seen them end well'
    if (others > 0) t.test(`${others} more of ${all.length} points of ${flow.name}`, { skip }, async () => {})
  })
}

t.test('a verb that forgets to look is found by it', { timeout: 600_000 }, async (t) => {
  const project = copyThatForgets(t)
  const expected = await undisturbed(bootstrap)
  const point = expected.points.find(({ method, path }) => method === 'POST' && path.includes('reserved_ips'))
  const broken = await killedAt(bootstrap, point as Point, 'after', expected, project)
  t.ok(
    broken.differences.some((line) => line.startsWith('+ reservedIps')),
    'a second address was bought, and the comparison says so',
  )
})

/** The project with one look for reserved IPs that finds nothing. */
function copyThatForgets(t: { teardown(end: () => void): void }) {
  const root = mkdtempSync(join(tmpdir(), 'regrow-forgets-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const here = resolve(import.meta.dirname, '..', '..', '..')
  for (const name of [
    'lib',
    'scripts',
    'cloud-init',
    'manifests',
    'sandbox',
    'bootstrap.mts',
    'package.json',
    'tsconfig.json',
  ])
    cpSync(join(here, name), join(root, name), { recursive: true })
  symlinkSync(join(here, 'node_modules'), join(root, 'node_modules'))
  const file = join(root, 'lib/machines/foundation/address.ts')
  const text = readFileSync(file, 'utf8')
  // It forgets what was there before, also when it looks again under the lock; what it makes itself it sees.
  const forgetful = text
    .replace('look: async (since) => {\n', 'look: async (since) => {\n      if (looked++ < 2) return []\n')
    .replace('export async function ensureAddress', 'let looked = 0\nexport async function ensureAddress')
  if (!forgetful.includes('looked++')) throw new Error('ensureAddress looks otherwise now: mend this test')
  writeFileSync(file, forgetful)
  return { root }
}
