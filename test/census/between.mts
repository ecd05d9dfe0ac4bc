#!/usr/bin/env -S npx tsx
// Every attempt of between.ts: hours on two cores. What is done is kept in between.json beside this file, with commit and
// date, so that an interrupted run goes on where it was. Usage: npm run test:between [-- 'BEGINNING OF A NAME'...]
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { sideBySide } from '../faults/judge.ts'
import { inOrder } from '../faults/share.ts'
import { attempt, attempts, flows, tellAttempt } from './between.ts'

const file = join(import.meta.dirname, 'between.json')
const entry = z.object({ commit: z.string(), at: z.string(), wrong: z.array(z.string()) })
const done = existsSync(file) ? z.record(z.string(), entry).parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim()
const words = process.argv.slice(2)

const all = (await Promise.all(flows.map(attempts))).flat()
const left = all
  .filter((one) => words.length === 0 || words.some((word) => tellAttempt(one).startsWith(word)))
  .filter((one) => done[tellAttempt(one)]?.wrong.length !== 0)
await sideBySide(inOrder(left, tellAttempt), async (one) => {
  // Tried meanwhile, with another one.
  if (done[tellAttempt(one)]?.wrong.length === 0) return
  const also: string[] = []
  const wrong = await attempt(one, also).catch((error: unknown) => [`${error}`])
  for (const between of [one.between, ...(wrong.length === 0 ? also : [])])
    done[tellAttempt({ ...one, between })] = { commit, at: new Date().toISOString(), wrong }
  writeFileSync(file, `${JSON.stringify(done, undefined, 1)}\n`)
  console.log(
    `${wrong.length === 0 ? '=' : 'x'} ${tellAttempt(one)}${wrong.map((line) => `\n    ${line}`).join('')}`,
  )
})
const bad = Object.values(done).filter(({ wrong }) => wrong.length > 0).length
console.log(
  `${Object.keys(done).length - bad} of ${Object.keys(done).length} lost nothing; there are ${all.length} to try`,
)
process.exit(bad > 0 ? 1 : 0)
