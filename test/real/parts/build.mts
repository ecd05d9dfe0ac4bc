#!/usr/bin/env -S npx tsx
// Other people's programs for the real suite: official releases where they can be reached, else built from their Go
// modules, one at a time. What is there is kept; an interrupted build goes on where it was. No new part is begun after
// REGROW_PARTS_SECONDS. Usage: REGROW_PARTS=FOLDER npx tsx test/real/parts/build.mts [PART...]
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../../lib/base/problem.ts'
import { tell } from '../../../lib/base/story.ts'
import { fetchRelease, thisPlatform, Unreachable } from '../../../lib/commands/tools/release.ts'
import { buildCommand, moduleFolder } from './go-build.ts'
import { type Part, partFolder, parts, partsFolder } from './parts.ts'

if (!partsFolder()) throw new Error('REGROW_PARTS names no folder')
const deadline = Number(process.env.REGROW_PARTS_SECONDS ?? 4500) * 1000
const wanted = process.argv.slice(2)

for (const part of parts.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const what = `${part.name} ${part.version}`
  if (existsSync(partFolder(part.name))) tell('=', what)
  else if (performance.now() > deadline) tell('!', what, 'not begun: the time for building is over')
  else {
    const started = performance.now()
    try {
      const from = await make(part)
      tell('+', what, from, (performance.now() - started) / 1000)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      tell('x', what, error.message)
      process.exitCode = 1
    }
  }
}

/** Makes a part's folder, whole or not at all. @returns where it came from */
async function make(part: Part): Promise<string> {
  const folder = partFolder(part.name)
  const made = `${folder}.new`
  const work = `${folder}.work`
  rmSync(made, { recursive: true, force: true })
  mkdirSync(made, { recursive: true })
  let from = 'files of its Go module'
  if (part.build) {
    const bytes = await released(part)
    from = bytes ? 'official release, checksum right' : 'built from its Go module'
    const file = join(made, part.name)
    if (bytes) writeFileSync(file, bytes)
    else await buildCommand(part.name, part.version, { ...part.build, module: part.module }, work, file)
    chmodSync(file, 0o755)
  }
  if (part.files) {
    const module = await moduleFolder(part.module, part.version)
    for (const [name, path] of Object.entries(part.files)) {
      cpSync(join(module, path), join(made, name), { recursive: true })
      // Go's cache is read-only, and so would be its copies.
      execFileSync('chmod', ['-R', 'u+w', join(made, name)])
    }
  }
  rmSync(work, { recursive: true, force: true })
  renameSync(made, folder)
  return from
}

async function released({ name, release }: Part): Promise<Buffer | undefined> {
  if (!release) return undefined
  try {
    return (await fetchRelease(name, thisPlatform(), release)).bytes
  } catch (error) {
    if (error instanceof Unreachable) return undefined
    throw error
  }
}
