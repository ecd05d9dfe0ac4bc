import { redact } from './secret.ts'
import { tell } from './story.ts'

/** Prints a flow's result on stdout: as JSON, or one aligned line for each of its fields that has a value. */
export function present(result: unknown, how: { json: boolean; seconds: number }): void {
  if (how.json) {
    process.stdout.write(`${redact(JSON.stringify(result ?? null, null, 2))}\n`)
    return
  }
  if (typeof result === 'string') process.stdout.write(result.endsWith('\n') ? result : `${result}\n`)
  else if (result && typeof result === 'object') {
    const rows = Object.entries(result).flatMap(([name, value]) => lines(name, value))
    const width = Math.max(0, ...rows.map(([name]) => name.length))
    for (const [name, value] of rows)
      process.stdout.write(redact(`${`${name.padEnd(width)}  ${value}`.trimEnd()}\n`))
  }
  tell('·', 'done', `${how.seconds.toFixed(1)} s`)
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
