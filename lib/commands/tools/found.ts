import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../../base/json.ts'
import { isExecutable, onPath } from '../../base/on-path.ts'
import { toolsFolder } from '../../base/tools-folder.ts'
import { tools } from '../../cluster/versions.ts'
import { type ToolName, toolNames } from './release.ts'

/**
 * How a tool came into the folder of tools, and who vouched for it: a pin of regrow's, its makers' checksum, or a mirror.
 * `module` is one that was built and put into the cache, which regrow does not.
 */
export const origin = z.object({
  version: z.string(),
  from: z.enum(['pinned', 'release', 'mirror', 'module']),
  sha256: z.string(),
})
export type Origin = z.infer<typeof origin>

/** A tool that has to be installed, and why. */
export interface MissingTool {
  name: ToolName
  why: string
}

/** The tools that are neither in `.tools/` nor on the PATH in a version that we accept. */
export async function missingTools(): Promise<MissingTool[]> {
  const all = await Promise.all(toolNames.map(async (name) => ({ name, why: await whyMissing(name) })))
  return all.flatMap(({ name, why }) => (why ? [{ name, why }] : []))
}

/** What `scripts/tools.mts` wrote about the tools in a folder. */
export function records(folder: string): Partial<Record<string, Origin>> {
  const file = join(folder, 'installed.json')
  if (!existsSync(file)) return {}
  return z
    .record(z.string(), origin)
    .catch({})
    .parse(parseJson(readFileSync(file, 'utf8')))
}

/** Whether a version such as `v1.36.3+k3s1` lies in the range in which a tool is accepted. */
function isAccepted(name: ToolName, version: string): boolean {
  const { from, below } = tools[name]
  return order(version, from) >= 0 && order(version, below) < 0
}

async function whyMissing(name: ToolName): Promise<string | undefined> {
  const folder = toolsFolder()
  if (isExecutable(join(folder, name))) {
    const known = records(folder)[name]?.version
    return known && !isAccepted(name, known) ? outside(name, known) : undefined
  }
  const file = onPath(name)
  if (!file) return 'not installed'
  const version = await versionOf(name, file)
  if (version === undefined) return `${file} does not tell its version`
  return isAccepted(name, version) ? undefined : outside(name, version)
}

const outside = (name: ToolName, version: string) =>
  `${version} is not between ${tools[name].from} and ${tools[name].below}`

const questions: Record<ToolName, string[]> = {
  doctl: ['version'],
  kubectl: ['version', '--client'],
  helm: ['version', '--short'],
  velero: ['version', '--client-only'],
}

/** Asks a tool for its version; undefined when it does not say. */
function versionOf(name: ToolName, file: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(file, questions[name], { timeout: 10_000 }, (_, out) => {
      resolve(out.match(/\d+\.\d+(\.\d+)?/)?.[0])
    })
  })
}

function order(a: string, b: string): number {
  const numbers = (version: string) =>
    version.replace(/^v/, '').split(/[+-]/)[0]?.split('.').map(Number) ?? []
  const [left, right] = [numbers(a), numbers(b)]
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
