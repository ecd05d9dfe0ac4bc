import { existsSync } from 'node:fs'
import { z } from 'zod'
import { results } from '../../lib/commands/results.ts'

const schema = z.looseObject({
  type: z.string().optional(),
  format: z.string().optional(),
  enum: z.array(z.string()).optional(),
  description: z.string().optional(),
  get properties() {
    return z.record(z.string(), schema).optional()
  },
  required: z.array(z.string()).optional(),
  get items() {
    return schema.optional()
  },
  get anyOf() {
    return z.array(schema).optional()
  },
  get additionalProperties() {
    return z.union([z.boolean(), schema]).optional()
  },
})
type Schema = z.infer<typeof schema>

/** `docs/json.md`, made from the schemas in lib/commands/results.ts. */
export function jsonPage(): string {
  return `# What \`--json\` prints

With \`--json\` a command prints one value on standard output: data to be read by a program, never words for a person. Its
story goes to standard error as without. Money is in dollars, sizes in bytes, durations in seconds, times in RFC 3339 and
UTC, paths absolute. A field with a \`?\` is left out where there is nothing to tell. \`--dry-run --json\` prints the plan.
\`./scripts/seal.mts --json\` prints the SealedSecret itself, as Kubernetes takes it.

\`npm run docs\` makes this page from \`lib/commands/results.ts\`; the tests hold each answer that they read against it.
${Object.entries(results)
  .map(([command, one]) => section(command, schema.parse(z.toJSONSchema(one, { io: 'input' }))))
  .join('')}`
}

function section(command: string, one: Schema): string {
  const forms = one.anyOf ?? [one]
  const path = existsSync(new URL(`../../${command}.mts`, import.meta.url)) ? command : `scripts/${command}`
  return `\n## ./${path}.mts\n${forms.map((form) => table(form)).join('')}`
}

function table(one: Schema): string {
  const list = one.type === 'array' && one.items
  const head = [one.description, list ? 'a list of' : ''].filter(Boolean).join(': ')
  const rows = rowsOf(list || one, '')
  return `\n${head ? `${head[0]?.toUpperCase()}${head.slice(1)}:\n\n` : ''}| Field | Type | Meaning |\n|---|---|---|\n${rows.join('\n')}\n`
}

function rowsOf(one: Schema, before: string): string[] {
  return Object.entries(one.properties ?? {}).flatMap(([name, field]) => {
    const isOptional = !one.required?.includes(name)
    const inner = innerOf(field)
    const path = `${before}${name}`
    return [
      `| \`${path}${isOptional ? '?' : ''}\` | ${typeOf(field)} | ${field.description ?? ''} |`,
      ...rowsOf(inner, `${path}${field.type === 'array' ? '[]' : ''}.`),
    ]
  })
}

/** The object within a list, or beside null. */
const innerOf = (one: Schema): Schema =>
  one.anyOf?.find(({ type }) => type === 'object') ?? (one.type === 'array' ? (one.items ?? one) : one)

function typeOf(one: Schema): string {
  if (one.anyOf) return one.anyOf.map(typeOf).join(' or ')
  if (one.enum) return one.enum.map((word) => `\`${word}\``).join(', ')
  if (one.type === 'array') return `list of ${typeOf(one.items ?? {})}`
  if (one.format === 'date-time') return 'time'
  if (one.type === 'object' && typeof one.additionalProperties === 'object' && !one.properties)
    return `${typeOf(one.additionalProperties)} by name`
  return one.type ?? 'any'
}
