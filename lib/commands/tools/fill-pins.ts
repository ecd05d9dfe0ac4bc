import { Problem } from '../../base/problem.ts'
import { tools } from '../../cluster/versions.ts'
import { pinName, pins } from './pins.ts'
import { type Platform, type ToolName, toolNames } from './release.ts'

/** The platforms that the tools are fetched for. */
export const platforms: readonly Platform[] = ['linux', 'darwin'].flatMap((os) =>
  ['amd64', 'arm64'].map((arch) => ({ os, arch })),
)

/** What became of the pins. */
export interface Filled {
  /** All of the shipped versions, in the order of the file. */
  pins: Record<string, string | null>
  changed: { name: string; what: string }[]
  /** Those that nobody could tell, and why. */
  missing: { name: string; why: string }[]
}

/**
 * Asks what is published for each tool and platform, and fills what nobody knew. Pins of other versions are left out.
 * @param ask tells the SHA-256 in hex, or throws a Problem with why it cannot
 * @throws Problem where something else is published than is pinned
 */
export async function fillPins(
  ask: (name: ToolName, platform: Platform) => Promise<string>,
  known: Readonly<Record<string, string | null>> = pins,
): Promise<Filled> {
  const filled: Filled = { pins: {}, changed: [], missing: [] }
  for (const tool of toolNames)
    for (const platform of platforms) {
      const name = pinName(tool, tools[tool].version, platform)
      const before = known[name] ?? null
      filled.pins[name] = before
      try {
        const now = await ask(tool, platform)
        if (before !== null && before !== now) throw new Altered(name, before, now)
        filled.pins[name] = now
        if (before === null) filled.changed.push({ name, what: now })
      } catch (error) {
        if (error instanceof Altered || !(error instanceof Problem)) throw error
        filled.missing.push({ name, why: error.message })
      }
    }
  return filled
}

/** What was released once must never change. */
class Altered extends Problem {
  constructor(name: string, before: string, now: string) {
    super(`the release of ${name} was altered: ${before} is pinned, ${now} is published now`, {
      cure: 'Find out who altered it, before anybody uses that version. Nothing was written.',
    })
  }
}
