#!/usr/bin/env -S npx tsx
// Every pair of request and fault of every flow, and every kill: hours on two cores. What is done is kept in
// sweep.json beside this file, with commit and date, so that an interrupted sweep goes on where it was.
// Usage: npm run test:sweep [-- [--once] 'FLOW: BEGINNING'...], such as 'scale --ha: killed', for those alone. With --once a
// request at which a fault was seen to end well is left out, and the others get one kind each, in turns.
import { spawnSync } from 'node:child_process'
import type { FaultKind } from '../../sandbox/faults.ts'
import { breakable } from './flows.ts'
import { type Broken, killedAt, troubledBy, undisturbed } from './harness.ts'
import { faultsOf, sideBySide } from './judge.ts'
import { type Point, tellPoint } from './points.ts'
import { readSeen, writeSeen } from './seen.ts'
import { inOrder } from './share.ts'
import { behaviours, errored, kinds, requestsOf, tellTrouble } from './troubles.ts'

const done = readSeen()
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim()

const once = process.argv.includes('--once')
const words = process.argv.slice(2).filter((word) => word !== '--once')
const isWanted = (name: string) => words.length === 0 || words.some((word) => name.startsWith(word))

/** One thing that is done to a flow. */
interface Attempt {
  name: string
  run: () => Promise<Broken>
}
const all: Attempt[] = []
for (const flow of breakable) {
  if (words.length > 0 && !words.some((word) => word.startsWith(`${flow.name}:`))) continue
  const expected = await undisturbed(flow)
  for (const point of expected.points.filter((one) => one.mutates))
    for (const side of ['before', 'after'] as const)
      all.push({
        name: `${flow.name}: killed ${side} ${tellPoint(point)}`,
        run: () => killedAt(flow, point, side, expected),
      })
  const every = requestsOf(expected.points).flatMap((point) => kinds.map((kind) => ({ point, kind })))
  const pairs = once ? oneEach(flow.name, every) : every
  for (const trouble of [...pairs, ...behaviours, ...errored])
    all.push({
      name: `${flow.name}: ${tellTrouble(trouble)}`,
      run: () => troubledBy(flow, trouble, expected),
    })
}
const left = all.filter(({ name }) => isWanted(name) && done[name]?.wrong.length !== 0)
// In an order drawn by the commit, so that a sweep that was ended early is a fair sample.
await sideBySide(
  inOrder(left, ({ name }) => name),
  async ({ name, run }) => {
    const wrong = faultsOf(await run())
    done[name] = { commit, at: new Date().toISOString(), wrong }
    writeSeen(done)
    console.log(`${wrong.length === 0 ? '=' : 'x'} ${name}${wrong.map((one) => `\n    ${one}`).join('')}`)
  },
  // Some only wait for an answer that does not come.
  3,
)
const bad = Object.values(done).filter((one) => one.wrong.length > 0).length
console.log(
  `${Object.keys(done).length - bad} of ${Object.keys(done).length} ended well; there are ${all.length} to try`,
)
process.exitCode = bad > 0 ? 1 : 0

/** For each request at which nothing was seen to end well yet one pair, the kinds in turns. */
function oneEach<T extends { point: Point; kind: FaultKind }>(flow: string, pairs: readonly T[]): T[] {
  const endedWell = ({ point, kind }: T) =>
    done[`${flow}: ${tellTrouble({ point, kind })}`]?.wrong.length === 0
  const requests = [...new Set(pairs.map(({ point }) => point))].filter(
    (point) => !pairs.some((pair) => pair.point === point && endedWell(pair)),
  )
  return requests.flatMap((point, at) =>
    pairs.filter((pair) => pair.point === point && pair.kind === kinds[at % kinds.length]),
  )
}
