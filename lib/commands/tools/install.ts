import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { closest } from 'fastest-levenshtein'
import { parseJson } from '../../base/json.ts'
import { Problem, Problems } from '../../base/problem.ts'
import { tell, underway } from '../../base/story.ts'
import { toolsFolder } from '../../base/tools-folder.ts'
import { tools } from '../../cluster/versions.ts'
import { type Origin, origin, records } from './found.ts'
import { pinName, pins } from './pins.ts'
import { fetchRelease, type Release, type ToolName, thisPlatform, toolNames } from './release.ts'

/** What became of one tool. */
export interface Installed extends Origin {
  name: ToolName
  file: string
}

/** The tools named on a command line; all without a name. @throws Problem (exit code 2) for a name there is not */
export function namedTools(only: string | undefined): ToolName[] {
  if (only === undefined) return toolNames
  const name = toolNames.find((one) => one === only)
  if (name) return [name]
  throw new Problem(`${only} is not one of the tools. Did you mean ${closest(only, toolNames)}?`, {
    cure: `The tools are ${toolNames.join(', ')}.`,
    exitCode: 2,
  })
}

/**
 * Puts tools into `.tools/`: official releases, each held against its pin or its published checksum. What is there in the right
 * version is kept. With `REGROW_TOOLS_CACHE` the executables lie in that folder, shared by many clones, and `.tools/`
 * links to them.
 * @throws Problems naming every tool that could not be fetched, and what to do instead
 */
export async function installTools(names: readonly ToolName[] = toolNames): Promise<Installed[]> {
  const done: Installed[] = []
  const problems: Problem[] = []
  await Promise.all(
    names.map(async (name) => {
      try {
        done.push(keep(name) ?? (await fetched(name)))
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        problems.push(error)
      }
    }),
  )
  if (problems.length > 1) throw new Problems(problems)
  if (problems[0]) throw problems[0]
  return names.flatMap((name) => done.find((one) => one.name === name) ?? [])
}

/** What is there already in the version wanted: in the folder of tools, or in the cache with its digest unchanged. */
function keep(name: ToolName): Installed | undefined {
  const { version } = tools[name]
  const file = join(toolsFolder(), name)
  const known = records(toolsFolder())[name]
  if (known?.version === version && existsSync(file)) {
    tell('=', `${name} ${version}`, said[known.from])
    return { name, file, ...known }
  }
  const cached = cachePlace(name)
  if (!cached || !existsSync(cached) || !existsSync(`${cached}.json`)) return undefined
  const noted = origin.safeParse(parseJson(readFileSync(`${cached}.json`, 'utf8'))).data
  if (noted?.version !== version || noted.sha256 !== sha256(readFileSync(cached))) return undefined
  tell('=', `${name} ${version}`, `${said[noted.from]}, from ${process.env.REGROW_TOOLS_CACHE}`)
  return linked(name, cached, noted)
}

async function fetched(name: ToolName): Promise<Installed> {
  const { version } = tools[name]
  const started = performance.now()
  const platform = thisPlatform()
  const pin = pins[pinName(name, version, platform)]
  const release = await underway(`${name} ${version}`, () => fetchRelease(name, platform, tools[name], pin))
  return placed(name, release, started)
}

const said: Record<Origin['from'], string> = {
  pinned: 'official release, as regrow knows it',
  release: 'official release, checksum right',
  mirror: 'from your mirror, which alone vouches for it',
  module: 'built from its Go module',
}

/** Puts an executable where it belongs, whole or not at all, and notes where it came from. */
function placed(name: ToolName, { bytes, vouched }: Release, started: number): Installed {
  const { version } = tools[name]
  const cached = cachePlace(name)
  const file = cached ?? join(toolsFolder(), name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, bytes)
  chmodSync(`${file}.new`, 0o755)
  const from = vouched === 'published' ? 'release' : vouched
  const noted: Origin = { version, from, sha256: sha256(bytes) }
  renameSync(`${file}.new`, file)
  if (cached) writeWhole(`${cached}.json`, noted)
  tell('+', `${name} ${version}`, said[from], (performance.now() - started) / 1000)
  return cached ? linked(name, cached, noted) : noting(name, file, noted)
}

/** Where the cache has this version of a tool; undefined without a cache. */
function cachePlace(name: ToolName): string | undefined {
  const cache = process.env.REGROW_TOOLS_CACHE
  return cache ? join(resolve(cache), `${name}-v${tools[name].version}`) : undefined
}

function linked(name: ToolName, cached: string, noted: Origin): Installed {
  const file = join(toolsFolder(), name)
  mkdirSync(toolsFolder(), { recursive: true })
  rmSync(file, { force: true })
  symlinkSync(cached, file)
  return noting(name, file, noted)
}

function noting(name: ToolName, file: string, noted: Origin): Installed {
  const all = { ...records(toolsFolder()), [name]: noted }
  writeWhole(join(toolsFolder(), 'installed.json'), all)
  return { name, file, ...noted }
}

/** Writes JSON so that a kill never leaves half of it. */
function writeWhole(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`)
  renameSync(`${file}.new`, file)
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
