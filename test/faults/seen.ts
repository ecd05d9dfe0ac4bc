import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** How one attempt of the sweep ended: at which commit, when, and what was wrong (nothing when all was well). */
const entry = z.object({ commit: z.string(), at: z.string(), wrong: z.array(z.string()) })
type Seen = Record<string, z.infer<typeof entry>>

const file = join(import.meta.dirname, 'sweep.json')

/** What the sweep has seen so far, by the name of the attempt. */
export const readSeen = (): Seen =>
  existsSync(file) ? z.record(z.string(), entry).parse(JSON.parse(readFileSync(file, 'utf8'))) : {}

/** Keeps it, sorted by name. */
export const writeSeen = (seen: Seen): void =>
  writeFileSync(
    file,
    `{\n${Object.keys(seen)
      .toSorted()
      .map((name) => `${JSON.stringify(name)}: ${JSON.stringify(seen[name])}`)
      .join(',\n')}\n}\n`,
  )
