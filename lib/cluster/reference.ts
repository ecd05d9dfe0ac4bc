import { z } from 'zod'
import { description } from './description.ts'

interface Schema {
  type?: string
  description?: string
  default?: unknown
  enum?: unknown[]
  pattern?: string
  minimum?: number
  maximum?: number
  items?: Schema
  properties?: Record<string, Schema>
}

/** The page that lists every key of `cluster.yaml` with its default and meaning: made from the schema itself. */
export function referencePage(): string {
  const schema = z.toJSONSchema(description, { io: 'input', unrepresentable: 'any' }) as Schema
  return [
    '# cluster.yaml',
    '',
    '`clusters/<cluster>/cluster.yaml` in the GitOps repository says what is wanted. The first bootstrap writes it, from',
    'flags or from a file given with `--config`. Unknown keys are refused. `npm run docs` makes this page.',
    '',
    '| Key | Default | Meaning |',
    '|---|---|---|',
    ...rows('', schema).map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n')
}

function rows(prefix: string, schema: Schema): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    const key = `${prefix}${name}`
    if (one.properties) return rows(`${key}.`, one)
    const own = [`\`${key}\``, defaultOf(one), meaning(one)]
    return one.items?.properties ? [own, ...rows(`${key}[].`, one.items)] : [own]
  })
}

function defaultOf(one: Schema): string {
  if (one.default === undefined) return ''
  return `\`${typeof one.default === 'string' ? one.default : JSON.stringify(one.default)}\``
}

function meaning(one: Schema): string {
  const values = one.enum ? ` One of ${one.enum.map((value) => `\`${value}\``).join(', ')}.` : ''
  return `${one.description ?? ''}${values}`.trim()
}
