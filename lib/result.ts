import type { Problem } from './problem.ts'
import { redact } from './secret.ts'
import { tell } from './story.ts'

/** A result that is more than its fields: how it is shown on the screen, and what is wrong with it after all. */
export interface Outcome {
  shown(): Record<string, unknown>
  /** Told behind the result, with its exit code. */
  fault(): Problem | undefined
}

export const isOutcome = (result: unknown): result is Outcome =>
  typeof result === 'object' && result !== null && 'shown' in result && 'fault' in result

/** Prints a flow's result on stdout: as JSON, or one aligned line for each of its fields that has a value. */
export function present(result: unknown, how: { json: boolean; seconds: number }): void {
  if (how.json) {
    process.stdout.write(`${redact(JSON.stringify(result ?? null, null, 2))}\n`)
    return
  }
  // Told first: the last line of a flow is the age of the last whole backup.
  tell('·', 'done', `${how.seconds.toFixed(1)} s`)
  const shown = isOutcome(result) ? result.shown() : result
  if (typeof shown === 'string') process.stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`)
  else if (shown && typeof shown === 'object') {
    const rows = Object.entries(shown).flatMap(([name, value]) => lines(name, value))
    const width = Math.max(0, ...rows.map(([name]) => name.length))
    for (const [name, value] of rows)
      process.stdout.write(redact(`${`${name.padEnd(width)}  ${value}`.trimEnd()}\n`))
  }
}

function lines(name: string, value: unknown): [string, string][] {
  const label = name.replace(/([a-z])([A-Z])/g, (_, before, letter) => `${before} ${letter.toLowerCase()}`)
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
