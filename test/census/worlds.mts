#!/usr/bin/env -S npx tsx
// Draws worlds from seeds, plays them, and keeps counts and failures in worlds.json beside this file.
// Usage: npm run test:worlds -- [--worlds 1000] [--each 5] [--seed N [--path P]] [--input JSON]; `--each` is how many share
// a cluster.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import type { Drawn } from './draw.ts'
import { playDrawn, playRow, tellFailed } from './drawing.ts'

const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: '1000' },
    each: { type: 'string', default: '5' },
    seed: { type: 'string' },
    path: { type: 'string' },
    input: { type: 'string' },
  },
})
const file = join(import.meta.dirname, 'worlds.json')
const entry = z.object({
  commit: z.string(),
  at: z.string(),
  clusters: z.number(),
  worlds: z.number(),
  restores: z.number(),
  kills: z.number(),
  failed: z.string().optional(),
})
const kept = existsSync(file) ? z.record(z.string(), entry).parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim()

if (values.input) {
  const { wrong } = await playDrawn(JSON.parse(values.input) as Drawn)
  console.log(wrong.join('\n') || 'nothing is wrong')
  process.exit(wrong.length > 0 ? 1 : 0)
}

/** Rows of five clusters, two side by side, until there are as many worlds as wanted. */
let next = values.seed ? Number(values.seed) : Math.max(0, ...Object.keys(kept).map(Number)) + 1
let played = 0
let bad = 0
async function lane(): Promise<void> {
  while (played < Number(values.worlds)) {
    const seed = next++
    const { failed, ...row } = await playRow(seed, values.path ? 1 : 5, {
      worlds: Number(values.each),
      shrinks: true,
      path: values.path,
    })
    played += row.worlds
    if (failed) bad++
    kept[seed] = {
      commit,
      at: new Date().toISOString(),
      ...row,
      ...(failed ? { failed: tellFailed(failed) } : {}),
    }
    writeFileSync(file, `${JSON.stringify(kept, undefined, 1)}\n`)
    console.log(
      `${failed ? 'x' : '='} seed ${seed}: ${JSON.stringify(row)}${failed ? `\n${tellFailed(failed)}` : ''}`,
    )
    if (values.path) return
  }
}
await Promise.all(values.path ? [lane()] : [lane(), lane()])
console.log(`${played} worlds, ${bad} rows with a failure`)
process.exit(bad > 0 ? 1 : 0)
