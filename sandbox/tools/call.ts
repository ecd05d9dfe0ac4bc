/** One run of a stand-in: what the person typed, where, and how it answers. */
export interface Call {
  tool: string
  argv: string[]
  cwd: string
  env: Record<string, string | undefined>
  /** Asks the caller's process for all of its stdin; empty on a terminal. */
  stdin(): Promise<string>
  out(text: string): void
  err(text: string): void
  /** Ends when the caller's process is gone. */
  signal: AbortSignal
}

/** A stand-in: does what the tool does for the command lines it knows. @returns the exit code */
export type StandIn = (call: Call) => Promise<number>

/** The stand-in does not know this part of the command line. It never guesses. */
export class Unknown extends Error {}

/** The tool itself would fail here, with this message and exit code. */
export class Failed extends Error {
  readonly code: number

  constructor(message: string, code = 1) {
    super(message)
    this.code = code
  }
}

/** A command line taken apart. */
export interface Line {
  words: string[]
  /** The last value of a flag. */
  text(flag: string): string | undefined
  /** All values of a flag, those separated by commas too. */
  many(flag: string): string[]
  /** Whether a flag was given, and not as `--flag=false`. */
  has(flag: string): boolean
  /** @throws Unknown when another flag than these was given */
  only(flags: readonly string[]): void
}

/**
 * Takes a command line apart as the tools do (pflag): flags may stand anywhere, `--a b`, `--a=b`, `-a b`, `-ab`.
 * @param switches the flags without a value
 * @param short one-letter names, such as `{ n: 'namespace' }`
 */
export function parse(argv: readonly string[], switches: string[], short: Record<string, string>): Line {
  const words: string[] = []
  const given = new Map<string, string[]>()
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    const long = word.match(/^--([^=]+)(?:=([\s\S]*))?$/)
    const single = word.match(/^-([a-zA-Z])(?:=?([\s\S]+))?$/)
    if (!long && !single) {
      words.push(word)
      continue
    }
    const name = long?.[1] ?? short[single?.[1] ?? '']
    if (!name) throw new Unknown(word)
    const value = long?.[2] ?? single?.[2] ?? (switches.includes(name) ? 'true' : argv[++index])
    if (value === undefined) throw new Unknown(word)
    given.set(name, [...(given.get(name) ?? []), value])
  }
  return {
    words,
    text: (flag) => given.get(flag)?.at(-1),
    many: (flag) => (given.get(flag) ?? []).flatMap((one) => one.split(',')),
    has: (flag) => given.has(flag) && given.get(flag)?.at(-1) !== 'false',
    only: (flags) => {
      const other = [...given.keys()].find((flag) => !flags.includes(flag))
      if (other) throw new Unknown(`--${other}`)
    },
  }
}

/** Seconds in a duration such as `90s`, `10m`, `1h30m`. */
export function seconds(text: string): number {
  const units: Record<string, number> = { h: 3600, m: 60, s: 1 }
  const parts = [...text.matchAll(/(\d+)([hms])/g)]
  if (parts.length === 0) throw new Unknown(`duration ${text}`)
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0)
}
