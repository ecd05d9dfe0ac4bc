import { redact } from './secret.ts'

/** What became of a thing: made, kept, changed, removed, a warning, a failure, or a plain remark. */
export type Mark = '+' | '=' | '~' | '-' | '!' | 'x' | '·'

/** One told step. */
export interface Told {
  at: string
  step: string
}

const told: Told[] = []

/** Everything that was told so far, with its time (RFC 3339): the run's timeline. */
export const timeline = (): readonly Told[] => told

const colours: Record<Mark, number> = { '+': 32, '=': 90, '~': 33, '-': 31, '!': 33, x: 31, '·': 90 }
const underWay = new Map<string, number>()
let ticker: NodeJS.Timeout | undefined
let drawn = false

const live = () => process.stderr.isTTY === true && !process.env.CI && process.env.TERM !== 'dumb'

/** Whether stderr may carry colours: a terminal, and `NO_COLOR` is not set (https://no-color.org). */
export function colourful(): boolean {
  return process.stderr.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
}

/** Tells one step on stderr, one line: its mark, the thing, a detail, and the seconds it took where that matters. */
export function tell(mark: Mark, thing: string, detail = '', seconds?: number): void {
  const time = seconds === undefined || seconds < 0.05 ? '' : `  ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  const sign = colourful() ? `\x1b[${colours[mark]}m${mark}\x1b[0m` : mark
  told.push({ at: new Date().toISOString(), step: redact(`${mark} ${thing}${detail ? `  ${detail}` : ''}`) })
  print(`${sign} ${redact(thing)}${detail ? `  ${redact(detail)}` : ''}${time}`)
}

/** Prints a text on stderr as it is, secrets taken out, above the live progress line. */
export function print(text: string): void {
  wipe()
  process.stderr.write(`${redact(text)}\n`)
  draw()
}

/**
 * Shows the wish as under way while the work runs: a live line on a terminal, a plain line every 30 s otherwise.
 * @param seen the state seen last, for the plain line
 */
export async function underway<T>(wish: string, work: () => Promise<T>, seen = () => ''): Promise<T> {
  const key = `${wish}\0${underWay.size}`
  const started = Date.now()
  underWay.set(key, started)
  const plain = live()
    ? undefined
    : setInterval(() => {
        const state = seen() && `  (${seen()})`
        print(`… ${wish}  ${Math.round((Date.now() - started) / 1000)} s${state}`)
      }, 30_000)
  if (live()) ticker ??= setInterval(draw, 200)
  try {
    return await work()
  } finally {
    clearInterval(plain)
    underWay.delete(key)
    if (underWay.size === 0) {
      clearInterval(ticker)
      ticker = undefined
      wipe()
    }
  }
}

function draw(): void {
  if (!live() || underWay.size === 0) return
  wipe()
  const wishes = [...underWay].map(
    ([key, since]) => `${key.split('\0')[0]} ${Math.round((Date.now() - since) / 1000)} s`,
  )
  process.stderr.write(`… ${wishes.join(', ')}`.slice(0, (process.stderr.columns ?? 80) - 1))
  drawn = true
}

function wipe(): void {
  if (drawn) process.stderr.write('\r\x1b[2K')
  drawn = false
}
