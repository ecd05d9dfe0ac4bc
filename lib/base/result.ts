import { printable, printableJson, printableStep } from './printable.ts'
import type { Problem } from './problem.ts'
import { colourful, tell, widthOf } from './story.ts'
import { wrap } from './wrap.ts'

/** A field of a result that a program reads as data (`--json`), and a person as words; either may be undefined. */
export class Field {
  readonly data: unknown
  readonly words: string | readonly string[] | undefined

  constructor(data: unknown, words: string | readonly string[] | undefined) {
    this.data = data
    this.words = words
  }

  toJSON(): unknown {
    return this.data
  }
}

/** A result that is more than its fields: how it is shown on the screen, and what is wrong with it after all. */
export interface Outcome {
  /** The one line that is read first, coloured where stdout takes colours. */
  headlined?(): { text: string; tone: 'good' | 'warn' | 'bad' }
  shown(): Record<string, unknown>
  /** Told behind the result, with its exit code. */
  fault(): Problem | undefined
  /** What the run ends with, where that tells something and nothing is wrong. */
  exitCode?(): number
}

export const isOutcome = (result: unknown): result is Outcome =>
  typeof result === 'object' && result !== null && 'shown' in result && 'fault' in result

/**
 * Prints a flow's result on stdout: as JSON, or one aligned line for each of its fields that has a value. A flow that
 * has printed its result by itself has none.
 */
export function present(result: unknown, how: { json: boolean; seconds: number }): void {
  if (how.json) {
    if (result !== undefined) process.stdout.write(`${printableJson(result)}\n`)
    return
  }
  // Told first: the last line of a flow is the age of the last whole backup.
  tell('·', 'done', `${how.seconds.toFixed(1)} s`)
  const shown = isOutcome(result) ? result.shown() : result
  if (typeof shown === 'string') process.stdout.write(`${printable(shown.replace(/\n$/, ''))}\n`)
  else if (shown && typeof shown === 'object') {
    const rows = Object.entries(shown).flatMap(([name, value]) => lines(name, value))
    const width = Math.max(0, ...rows.map(([name]) => name.length))
    const columns = widthOf(process.stdout)
    if (isOutcome(result) && result.headlined) process.stdout.write(`${headline(result.headlined())}\n`)
    for (const [name, value] of rows) {
      const line = printableStep(`${name.padEnd(width)}  ${value}`.trimEnd())
      process.stdout.write(`${columns === undefined ? line : wrap(line, columns, width + 2)}\n`)
    }
  }
}

const tones = { good: 32, warn: 33, bad: 31 }

function headline({ text, tone }: { text: string; tone: keyof typeof tones }): string {
  const line = printableStep(text)
  return colourful(process.stdout) ? `\x1b[1;${tones[tone]}m${line}\x1b[0m` : line
}

function lines(name: string, value: unknown): [string, string][] {
  const label = name.replace(/([a-z])([A-Z])/g, (_, before, letter) => `${before} ${letter.toLowerCase()}`)
  if (value instanceof Field) return lines(name, value.words)
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.flatMap((one, index) => lines(index === 0 ? name : '', one))
  if (typeof value === 'object')
    return [
      [
        label,
        Object.values(value)
          .filter((one) => one !== '')
          .join('  '),
      ],
    ]
  return [[label, String(value)]]
}
