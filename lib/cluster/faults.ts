import { z } from 'zod'
import { suggest } from '../base/suggest.ts'

/** A fault in a description: which key (`network.range`), and what is wrong with it. */
export interface Fault {
  key: string
  fault: string
}

/** What the schema found wrong with `raw`, in words: the value that was given, and what it should be. */
export function faultsOf(error: z.ZodError, raw: unknown, schema: z.ZodType): Fault[] {
  return error.issues.flatMap((issue) => {
    const key = issue.path.join('.')
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) => ({
        key,
        fault: `has no key “${name}”${hint(name, issue.path, schema)}`,
      }))
    const given = issue.path.reduce<unknown>((value, step) => Object(value)[step], raw)
    const shown = typeof given === 'object' || given === undefined ? '' : `“${given}” `
    return [{ key, fault: `${shown}${wordsFor(issue)}` }]
  })
}

const kinds: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
}

function wordsFor(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message.endsWith('received undefined')) return 'is missing'
      return `must be ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`
    case 'too_small':
      return `must ${issue.origin === 'array' ? 'have' : 'be'} at least ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}`
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message
    default:
      return issue.message
  }
}

interface Keys {
  properties?: Record<string, Keys>
  items?: Keys
}

/** The key that was probably meant. */
function hint(name: string, path: PropertyKey[], schema: z.ZodType): string {
  const whole = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Keys
  const at = path.reduce<Keys | undefined>(
    (keys, step) => (typeof step === 'number' ? keys?.items : keys?.properties?.[String(step)]),
    whole,
  )
  const near = suggest(name, Object.keys(at?.properties ?? {}))
  return near ? `, did you mean “${near}”?` : ''
}
