#!/usr/bin/env -S npx tsx
// Fills lib/commands/tools/pins.json: the SHA-256 of each tool's release for four platforms, as its makers publish it.
// What is written there is never replaced: where the makers say something else now, that is an error. Usage: npm run pin
import { writeFileSync } from 'node:fs'
import { Problem } from '../lib/base/problem.ts'
import { tell } from '../lib/base/story.ts'
import { tools } from '../lib/cluster/versions.ts'
import { fillPins } from '../lib/commands/tools/fill-pins.ts'
import { publishedChecksum } from '../lib/commands/tools/release.ts'

try {
  if (process.env.REGROW_UPSTREAM_URL)
    throw new Problem('a mirror cannot say what the makers release', {
      cure: 'Unset REGROW_UPSTREAM_URL, then run npm run pin again.',
    })
  const filled = await fillPins((name, { os, arch }) =>
    publishedChecksum(name, tools[name].address(os, arch), tools[name].sums(os, arch)),
  )
  const file = new URL('../lib/commands/tools/pins.json', import.meta.url)
  writeFileSync(file, `${JSON.stringify(filled.pins, null, 2)}\n`)
  for (const { name, what } of filled.changed) tell('+', name, what)
  for (const { name, why } of filled.missing) tell('!', name, why)
  if (filled.missing.length > 0) process.exitCode = 1
} catch (error) {
  if (!(error instanceof Problem)) throw error
  tell('x', error.message, error.cure)
  process.exitCode = 1
}
