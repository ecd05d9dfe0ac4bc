import { printable, printableStep } from './printable.ts'
import { cut, wrap } from './wrap.ts'

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
/** What is waited for, since when, and how to ask for the state seen last. */
interface Wait {
  until: string
  since: number
  seen: () => string
}
const underWay = new Set<Wait>()
let ticker: NodeJS.Timeout | undefined
let drawn = false
let ended = false

const live = () => process.stderr.isTTY === true && !process.env.CI && process.env.TERM !== 'dumb'

/** Whether a stream may carry colours: a terminal, and `NO_COLOR` is not set (https://no-color.org). */
export function colourful(stream: { isTTY?: boolean } = process.stderr): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
}

/** Columns of the terminal that a stream writes to; undefined where it is none. */
export const widthOf = (stream: { isTTY?: boolean; columns?: number }): number | undefined =>
  stream.isTTY && stream.columns ? stream.columns : undefined

/** Tells one step on stderr: its mark, the thing, a detail, and the seconds it took where that matters. */
export function tell(mark: Mark, thing: string, detail = '', seconds?: number): void {
  const time = seconds === undefined || seconds < 0.05 ? '' : `  ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  const step = printableStep(`${mark} ${thing}${detail ? `  ${detail}` : ''}`)
  told.push({ at: new Date().toISOString(), step })
  const fitted = fit(`${step}${time}`)
  put(colourful() ? `\x1b[${colours[mark]}m${mark}\x1b[0m${fitted.slice(mark.length)}` : fitted)
}

/** Prints a text on stderr, made printable, above the live progress line; too long lines go on in the next. */
export function print(text: string): void {
  put(fit(printable(text)))
}

function fit(text: string): string {
  const width = widthOf(process.stderr)
  return width === undefined ? text : wrap(text, width)
}

function put(text: string): void {
  wipe()
  process.stderr.write(`${text}\n`)
  draw()
}

/**
 * Shows what is waited for while the work runs: a live line on a terminal, a plain line every 30 s otherwise.
 * @param seen the state seen last
 */
export async function underway<T>(until: string, work: () => Promise<T>, seen = () => ''): Promise<T> {
  const wait = { until, since: Date.now(), seen }
  underWay.add(wait)
  const plain = live()
    ? undefined
    : setInterval(() => {
        const state = seen()
        print(`… ${until}  ${secondsOf(wait)} s${state ? `  (${state})` : ''}`)
      }, 30_000)
  if (live()) ticker ??= setInterval(draw, 200)
  try {
    return await work()
  } finally {
    clearInterval(plain)
    underWay.delete(wait)
    if (underWay.size === 0) {
      clearInterval(ticker)
      ticker = undefined
      wipe()
    }
  }
}

/** The live line goes for good: the run is ending, and what is told now is the last of it. */
export function endLive(): void {
  ended = true
  wipe()
}

const secondsOf = ({ since }: Wait) => Math.round((Date.now() - since) / 1000)

function draw(): void {
  if (ended || !live() || underWay.size === 0) return
  wipe()
  const waits = [...underWay]
  const names = waits.map((wait) => `${wait.until} ${secondsOf(wait)} s`)
  const states = waits.map(({ seen }) => seen()).filter(Boolean)
  const whole = `… ${names.join(', ')}${states.length > 0 ? ` (${states.join('; ')})` : ''}`
  const line = printable(whole).replace(/\s+/g, ' ')
  process.stderr.write(cut(line, (widthOf(process.stderr) ?? 80) - 1))
  drawn = true
}

function wipe(): void {
  if (drawn) process.stderr.write('\r\x1b[2K')
  drawn = false
}
