import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const answer = z.object({ said: z.string(), seen: z.string().optional() })
const count = z.object({ all: z.number(), aMinute: z.number() })
const program = z.object({ name: z.string(), peak: z.number(), own: z.number(), swap: z.number() })

const step = z.object({
  name: z.string(),
  seconds: z.number(),
  /** Exit code; undefined for what is no script. */
  code: z.number().nullish(),
  /** Why it was passed over. */
  skipped: z.string().optional(),
  digitalocean: count,
  github: count,
  /** What the script told that it waited for. */
  waits: z.array(z.object({ what: z.string(), seconds: z.number() })),
})

const memory = z.object({
  when: z.string(),
  available: z.number(),
  programs: z.array(program),
  containers: z.array(
    z.object({ name: z.string(), limit: z.number(), now: z.number(), peak: z.number(), swap: z.number() }),
  ),
})
/** The memory of a machine at one moment, in MiB. */
export type Memory = z.infer<typeof memory>

const state = z.object({
  /** The cluster that this play made, and the only one that it touches. */
  name: z.string().regex(/^contact-[0-9a-f]{6}$/),
  region: z.string(),
  size: z.string(),
  sandbox: z.boolean(),
  /** Whose: where other tokens are given the next time, nothing is touched. */
  account: z.string(),
  login: z.string(),
  begun: z.string(),
  steps: z.array(step),
  /** What was under way, with its process and when that started. */
  current: z.object({ step: z.string(), pid: z.number(), started: z.string() }).optional(),
  outcomes: z.record(z.string(), z.union([answer, z.object({ why: z.string() })])),
  memory: z.array(memory),
  images: z.array(z.object({ name: z.string(), bytes: z.number() })),
  /** What went wrong, if the play did not end well. */
  failed: z.string().optional(),
})
/** What is known of a play: nothing in it is secret. */
export type State = z.infer<typeof state>

/** The folder of a play, and its state, which every call reads first. */
export interface Desk {
  folder: string
  load(): State | undefined
  save(state: State): void
  /** The play is over: nothing of it is left here. */
  clear(): void
}

/** Opens the work folder. @param folder made where it is not there, for nobody else to read */
export function openDesk(folder: string): Desk {
  const file = join(folder, 'state.json')
  return {
    folder,
    load: () => {
      try {
        return state.parse(JSON.parse(readFileSync(file, 'utf8')))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    save: (now) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(`${file}.new`, `${JSON.stringify(state.parse(now), null, 2)}\n`, { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
    clear: () => rmSync(folder, { recursive: true, force: true }),
  }
}
