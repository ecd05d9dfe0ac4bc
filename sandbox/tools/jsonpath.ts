import { Unknown } from './call.ts'

type Step = { key: string } | { all: true } | { filter: [path: string, value: string] }

/**
 * What a JSONPath such as `{.items[*].metadata.name}` or `{.a[?(@.type=="Ready")].b}` finds, values apart by blanks.
 * @throws Unknown for anything else than keys, indexes, `[*]` and one comparison with a text
 */
export function jsonPath(thing: unknown, template: string): string {
  const path = template.match(/^\{?(\.[^{}]*)\}?$/)?.[1]
  if (path === undefined) throw new Unknown(`jsonpath ${template}`)
  const found = steps(path).reduce<unknown[]>(
    (values, step) => values.flatMap((value) => take(value, step)),
    [thing],
  )
  return found.map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value))).join(' ')
}

function steps(path: string): Step[] {
  const pattern = /\.((?:[\w/-]|\\\.)+)|\[(\d+)\]|(\[\*\])|\[\?\(@\.([\w.]+)=="([^"]*)"\)\]/y
  const read: Step[] = []
  while (pattern.lastIndex < path.length) {
    const match = pattern.exec(path)
    if (!match) throw new Unknown(`jsonpath ${path}`)
    const [, key, index, all, field, value] = match
    if (all) read.push({ all: true })
    else if (field !== undefined) read.push({ filter: [field, value ?? ''] })
    else read.push({ key: (key ?? index ?? '').replaceAll('\\.', '.') })
  }
  return read
}

function take(value: unknown, step: Step): unknown[] {
  if (value === null || typeof value !== 'object') return []
  if ('key' in step) return [(value as Record<string, unknown>)[step.key]].filter((one) => one !== undefined)
  if ('all' in step) return Object.values(value)
  const [field, wanted] = step.filter
  return Object.values(value).filter((one) => jsonPath(one, `.${field}`) === wanted)
}
