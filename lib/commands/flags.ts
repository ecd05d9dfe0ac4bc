import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { Problem } from '../base/problem.ts'
import { suggest } from '../base/suggest.ts'
import { faultsOf } from '../cluster/faults.ts'

/** A flag as `--help` shows it. */
export interface Flag {
  /** Placeholder of the value in the help text; a flag without one is a switch. */
  value?: string
  about: string
}

interface Said {
  about: string
  /** The one word that is not a flag, as the help text names it. */
  words?: string
  flags?: Record<string, Flag>
  tokens?: unknown
}

/** What a script says of itself: what `--help` prints and which flags are accepted, nothing else. */
export interface Command<F extends Record<string, Flag> = Record<never, Flag>> extends Said {
  /** Its own flags; every flow has `--sandbox`, `--json`, `--verbose`, `--version` and `--help` beside them. */
  flags?: F
  /** Whether a run needs the two tokens: they are by default. A flow that never does knows no sandbox either. */
  tokens?: boolean | ((flags: Flags<F>) => boolean)
}

/** Which cluster. */
export const clusterFlags = {
  name: { value: 'NAME', about: 'cluster (main)' },
  repo: { value: 'OWNER/NAME', about: 'GitOps repository (<your login>/regrow-<cluster>)' },
}

/** For a flow that asks before it changes something. */
export const askingFlags = {
  yes: { about: 'answer the question with yes' },
  'dry-run': { about: 'show the plan and the commands, change nothing' },
  'steal-lock': { about: 'take over the lock of a run that is dead' },
}

/** For a flow that may be the first one of a cluster. */
export const adoptingFlags = {
  'adopt-buckets': { value: 'NAME,…', about: 'buckets of yours that regrow did not make: use them' },
}

/** What every flow takes. */
const commonFlags = {
  sandbox: { about: 'rehearse in the sandbox: no tokens, no money' },
  json: { about: 'print the result as JSON on stdout' },
  verbose: { about: 'show every command as it runs' },
  version: { about: 'print the version of regrow' },
  help: { about: 'show this text (-h)' },
}

type Values<F> = {
  -readonly [K in keyof F]: F[K] extends { value: string } ? string | undefined : boolean
}

/** The flags of a run: a text or undefined for those with a value, a boolean for switches. */
export type Flags<F> = Values<F> & Values<typeof commonFlags>

const commands = z.strictObject({
  about: z.string(),
  words: z.string().optional(),
  flags: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]*$/, 'is not the name of a flag: small letters, without --')
        .refine((name) => !Object.hasOwn(commonFlags, name), 'is a flag that every flow has'),
      z.strictObject({ value: z.string().optional(), about: z.string() }),
    )
    .optional(),
  tokens: z.union([z.boolean(), z.custom((given) => typeof given === 'function')]).optional(),
})

/**
 * Holds what a script hands to `run` against what it may say: own flows are not compiled before they run.
 * @param script its name
 * @throws Problem naming each field that is wrong
 */
export function checkCommand(command: unknown, script: string): void {
  const read = commands.safeParse(command)
  if (read.success) return
  const wrong = faultsOf(read.error, command, commands)
  throw new Problem(`${script}: ${wrong.map(({ key, fault }) => `${key || 'run'} ${fault}`).join('; ')}`, {
    cure: 'Correct the first argument of run; docs/own-flows.md shows one.',
  })
}

/** Every flag of a command, in the order of its help text. */
function flagsOf({ flags = {}, tokens }: Said): Map<string, Flag> {
  const { sandbox, ...others } = commonFlags
  return new Map(Object.entries({ ...flags, ...(tokens === false ? {} : { sandbox }), ...others }))
}

/**
 * Reads a command line.
 * @param name of the script, for the messages
 * @returns the flags, and the bare words
 * @throws Problem (exit code 2) for an unknown flag, with a suggestion, or a missing value
 */
export function readFlags<F extends Record<string, Flag>>(
  name: string,
  command: Command<F>,
  argv: readonly string[],
): { flags: Flags<F>; words: string[] } {
  const known = flagsOf(command)
  const { tokens, positionals: words } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      [...known].map(([name, flag]) => [
        name,
        { type: flag.value ? 'string' : 'boolean', ...(name === 'help' ? { short: 'h' } : {}) } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const flags: Record<string, string | boolean | undefined> = {}
  for (const [name, flag] of known) flags[name] = flag.value ? undefined : false
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const flag = known.get(token.name)
    if (!flag) throw unknown(token.rawName, [...known.keys()], name)
    if (flag.value && (token.value === undefined || token.value === ''))
      throw wrong(`--${token.name} needs a value: --${token.name} ${flag.value}`, name)
    if (!flag.value && token.value !== undefined) throw wrong(`--${token.name} takes no value`, name)
    flags[token.name] = flag.value ? token.value : true
  }
  if (words.length > 0 && !command.words)
    throw wrong(`${name} does not know what to do with “${words.join(' ')}”`, name)
  if (words.length > 1)
    throw wrong(`${name} takes one ${command.words?.replace(/[[\]]/g, '')}, not “${words.join(' ')}”`, name)
  return { flags: flags as Flags<F>, words }
}

/** The version of this project. */
export function ownVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version
}

/** The text that `--help` prints. @param file the script, as it was called */
export function helpText(command: Said, file: string): string {
  const rows = [...flagsOf(command)].map(([name, flag]) => [
    `--${name}${flag.value ? ` ${flag.value}` : ''}`,
    flag.about,
  ])
  const width = Math.max(...rows.map(([left]) => left?.length ?? 0))
  return [
    command.about,
    '',
    `  ${file}${command.words ? ` ${command.words}` : ''} [flags]`,
    '',
    ...rows.map(([left, right]) => `  ${left?.padEnd(width)}  ${right}`),
    '',
  ].join('\n')
}

/** A flag that there is not, with the one that was probably meant. */
export function unknown(name: string, flags: string[], command: string): Problem {
  const near = suggest(name.replace(/^-+/, ''), flags)
  return wrong(`${name} is not a flag of ${command}.${near ? ` Did you mean --${near}?` : ''}`, command)
}

function wrong(message: string, command: string): Problem {
  return new Problem(message, { cure: `--help lists what ${command} takes.`, exitCode: 2 })
}
