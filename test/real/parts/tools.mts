#!/usr/bin/env -S npx tsx
// doctl, kubectl, helm and velero for the real suite: official releases as `scripts/tools.mts` fetches them; where those
// are out of reach, built from their Go modules into the cache, from which it then takes them.
// Usage: REGROW_TOOLS_CACHE=FOLDER REGROW_TOOLS=FOLDER npx tsx test/real/parts/tools.mts
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Problem } from '../../../lib/base/problem.ts'
import { tell } from '../../../lib/base/story.ts'
import { tools } from '../../../lib/cluster/versions.ts'
import type { Origin } from '../../../lib/commands/tools/found.ts'
import { installTools } from '../../../lib/commands/tools/install.ts'
import { type ToolName, toolNames, Unreachable } from '../../../lib/commands/tools/release.ts'
import { buildCommand, recipes } from './go-build.ts'

if (!process.env.REGROW_TOOLS_CACHE) throw new Error('REGROW_TOOLS_CACHE names no folder')
const cache = resolve(process.env.REGROW_TOOLS_CACHE)

for (const name of toolNames) {
  try {
    await installTools([name]).catch(async (error) => {
      if (!(error instanceof Unreachable)) throw error
      tell('!', name, `${error.message}; built from its Go module instead`)
      await build(name)
      await installTools([name])
    })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    tell('x', name, error.message)
    process.exitCode = 1
  }
}

/** Builds a tool into the cache, whole or not at all. */
async function build(name: ToolName): Promise<void> {
  const { version } = tools[name]
  const work = join(cache, 'modules', `${name}-v${version}`)
  const made = join(work, name)
  await buildCommand(name, version, recipes[name], work, made)
  const sha256 = createHash('sha256').update(readFileSync(made)).digest('hex')
  const origin: Origin = { version, from: 'module', sha256 }
  renameSync(made, join(cache, `${name}-v${version}`))
  writeFileSync(join(cache, `${name}-v${version}.json`), `${JSON.stringify(origin, null, 2)}\n`)
  rmSync(work, { recursive: true, force: true })
}
