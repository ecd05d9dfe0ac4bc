#!/usr/bin/env -S npx tsx
// Every pair of request and fault of every flow, and every kill: hours on two cores. What is done is kept in
// sweep.json beside this file, with commit and date, so that an interrupted sweep goes on where it was.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { breakable } from './flows.ts'
import { killedAt, tellPoint, troubledBy, undisturbed } from './harness.ts'
import { eachOfTwo, faultsOf } from './judge.ts'
import { behaviours, errored, kinds, requestsOf, tellTrouble } from './troubles.ts'

const file = join(import.meta.dirname, 'sweep.json')
const entry = z.object({ commit: z.string(), at: z.string(), wrong: z.array(z.string()) })
const done = existsSync(file) ? z.record(z.string(), entry).parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim()

for (const flow of breakable) {
  const expected = await undisturbed(flow)
  const troubles = [
    ...requestsOf(expected.points).flatMap((point) => kinds.map((kind) => ({ point, kind }))),
    ...behaviours,
    ...errored,
  ].map((trouble) => ({
    name: `${flow.name}: ${tellTrouble(trouble)}`,
    run: () => troubledBy(flow, trouble, expected),
  }))
  const kills = expected.points
    .filter((one) => one.mutates)
    .flatMap((point) =>
      (['before', 'after'] as const).map((side) => ({
        name: `${flow.name}: killed ${side} ${tellPoint(point)}`,
        run: () => killedAt(flow, point, side, expected),
      })),
    )
  const left = [...kills, ...troubles].filter(({ name }) => done[name]?.wrong.length !== 0)
  await eachOfTwo(left, async ({ name, run }) => {
    const wrong = faultsOf(await run())
    done[name] = { commit, at: new Date().toISOString(), wrong }
    writeFileSync(file, `${JSON.stringify(done, null, 1)}\n`)
    console.log(`${wrong.length === 0 ? '=' : 'x'} ${name}${wrong.map((one) => `\n    ${one}`).join('')}`)
  })
}
const bad = Object.values(done).filter((one) => one.wrong.length > 0).length
console.log(`${Object.keys(done).length - bad} of ${Object.keys(done).length} ended well`)
process.exitCode = bad > 0 ? 1 : 0
