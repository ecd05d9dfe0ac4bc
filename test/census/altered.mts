#!/usr/bin/env -S npx tsx
// Every attempt of altered.ts: hours on two cores. What is done is kept in altered.json beside this file, with the commit
// that drew what was altered, and the date, so that an interrupted run goes on where it was.
// Usage: npm run test:altered [-- [--seed COMMIT] 'BEGINNING OF A NAME'...]
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { sideBySide } from '../faults/judge.ts'
import { inOrder } from '../faults/share.ts'
import { type Attempt, attempt, attempts, flows, tellAttempt } from './altered.ts'

const file = join(import.meta.dirname, 'altered.json')
const entry = z.object({ commit: z.string(), at: z.string(), came: z.string(), wrong: z.array(z.string()) })
const done = existsSync(file) ? z.record(z.string(), entry).parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim()
const { values, positionals: words } = parseArgs({
  options: { seed: { type: 'string', default: commit } },
  allowPositionals: true,
})

// What is drawn first says of which flows the objects are to be listed.
const named = flows.filter(
  (flow) =>
    words.length === 0 || words.some((word) => `${flow}:`.startsWith(word) || word.startsWith(`${flow}:`)),
)
const all: Attempt[] = []
for (const flow of named) all.push(...(await attempts(flow)))
const left = all
  .filter((one) => words.length === 0 || words.some((word) => tellAttempt(one).startsWith(word)))
  .filter((one) => done[tellAttempt(one)]?.wrong.length !== 0)

/** How many ways an object was altered in already, ahead of this one: each object comes once before any comes again. */
const round = (one: Attempt) => {
  const ofObject = all.filter(({ flow, object }) => flow === one.flow && object === one.object)
  return inOrder(ofObject, tellAttempt).indexOf(one)
}
const rounds = new Map(left.map((one) => [one, round(one)]))
const inRounds = inOrder(left, tellAttempt).toSorted((a, b) => (rounds.get(a) ?? 0) - (rounds.get(b) ?? 0))
await sideBySide(inRounds, async (one) => {
  const { came, wrong } = await attempt(one, values.seed).catch((error: unknown) => ({
    came: 'nothing',
    wrong: [`${error}`],
  }))
  done[tellAttempt(one)] = { commit: values.seed, at: new Date().toISOString(), came, wrong }
  const sorted = Object.fromEntries(Object.entries(done).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(file, `${JSON.stringify(sorted, undefined, 2)}\n`)
  console.log(
    `${wrong.length === 0 ? '=' : 'x'} ${tellAttempt(one)}: ${came}${wrong.map((line) => `\n    ${line}`).join('')}`,
  )
})
const results = Object.values(done)
const bad = results.filter(({ wrong }) => wrong.length > 0).length
const counts = [...new Set(results.map(({ came }) => came))].map(
  (came) => `${results.filter((one) => one.came === came).length} ${came}`,
)
console.log(
  `${results.length - bad} of ${results.length} ended well (${counts.join(', ')}); there are ${all.length} to try`,
)
process.exit(bad > 0 ? 1 : 0)
