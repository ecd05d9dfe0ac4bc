import { Problem } from '../../../lib/base/problem.ts'
import { present } from '../../../lib/base/result.ts'
import { tell } from '../../../lib/base/story.ts'
import type { Bucket } from '../../../lib/clients/s3.ts'
import { explain } from '../../../lib/commands/run.ts'
import { obeyed } from '../ground.ts'
import { Random } from './random.ts'

/** Reads one drawn input, and tells all that came of it. @throws Error when something comes of it that must not */
export type Target = (random: Random, told: Told) => Promise<unknown>

/** Prints a result, a failure or a text, as a flow does. */
export type Told = (what: unknown) => void

/** What was changed, or was to be, while the present input was read. */
const changes: string[] = []

/** Something that changes the world was asked for: that is harm, whoever catches the error. @throws Error */
export function changed(what: string): never {
  changes.push(what)
  throw new Error(`${what}: who reads an input changes nothing`)
}

/** A client that can look in these ways; whatever else is asked of it counts as a change. */
export function looking<T extends object>(ways: Partial<T>): T {
  const refuse = (name: string) => () => changed(`${name} was asked for`)
  return new Proxy(ways, {
    get: (target, name) =>
      typeof name === 'symbol' || name === 'then' || name in target
        ? Reflect.get(target, name)
        : refuse(name),
  }) as T
}

/** A bucket that can only be read. Who hands it on may copy it. */
export const readOnly = (ways: Partial<Bucket>): Bucket =>
  looking<Bucket>({
    name: 'kept',
    put: async (key) => changed(`${key} was written`),
    putBack: async (key) => changed(`${key} was written`),
    remove: async (key) => changed(`${key} was removed`),
    sign: async (method, key) => changed(`${method} ${key} was signed`),
    ...ways,
  })

/** An input that does harm. */
export interface Harm {
  seed: number
  why: string
}

/** Looks, and tells what was found, or why it was not. @throws what is no expected failure */
export async function attempted(look: () => Promise<unknown>, told: Told): Promise<void> {
  try {
    told(await look())
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    told(error)
  }
}

/** Plays the inputs of these seeds, one after the other. @returns those that do harm */
export async function play(target: Target, seeds: Iterable<number>): Promise<Harm[]> {
  const harm: Harm[] = []
  for (const seed of seeds) {
    const said = listen()
    changes.length = 0
    try {
      await target(new Random(seed), tellIt)
      const found = obeyed(said.text)
      if (found.length > 0)
        harm.push({ seed, why: `the terminal obeys ${JSON.stringify(found.slice(0, 5))}` })
      if (/^\+ node main-9/m.test(said.text)) harm.push({ seed, why: 'a line of ours is forged' })
      if (/fault of regrow/.test(said.text)) harm.push({ seed, why: 'it is called a fault of regrow' })
    } catch (error) {
      harm.push({ seed, why: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    } finally {
      said.end()
    }
    if (changes.length > 0) harm.push({ seed, why: `it changes something: ${changes.join(', ')}` })
  }
  return harm
}

function tellIt(what: unknown): void {
  if (what instanceof Error) explain(what)
  else if (typeof what === 'string') present({ said: what }, { json: false, seconds: 0 })
  else {
    present(what, { json: true, seconds: 0 })
    if (what !== undefined)
      tell(
        '+',
        'it says',
        typeof what === 'object'
          ? Object.values(what ?? {})
              .join(' ')
              .slice(0, 500)
          : String(what),
      )
  }
}

/** Hears what is written to the terminal, which sees nothing of it. */
function listen() {
  const write = { out: process.stdout.write, err: process.stderr.write }
  const said = {
    text: '',
    end: () => {
      Object.assign(process.stdout, { write: write.out })
      Object.assign(process.stderr, { write: write.err })
    },
  }
  const hear = (text: unknown) => {
    said.text += String(text)
    return true
  }
  Object.assign(process.stdout, { write: hear })
  Object.assign(process.stderr, { write: hear })
  return said
}
