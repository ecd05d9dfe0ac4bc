import { setTimeout as sleep } from 'node:timers/promises'
import { type Call, Failed, type Line } from './call.ts'
import { type Kube, pathOf, type Resource, type Thing } from './kube.ts'

/** What a command of kubectl is given: the words behind it, its flags, and the namespace in force. */
export interface Use {
  call: Call
  kube: Kube
  line: Line
  words: string[]
  namespace: string
}

/** A kind, and the name of one of its things or all of them. */
export type Target = [resource: Resource, name: string | undefined]

/** What `KIND NAME…`, `KIND/NAME…` or `KIND[,KIND]` mean. */
export async function targets({ kube, words: [first = '', ...rest] }: Use): Promise<Target[]> {
  if (!first) throw new Failed('error: Required resource not specified.')
  const pairs = first.includes('/') ? [first, ...rest].map((word) => word.split('/')) : [[first, ...rest]]
  const found = pairs.map(async ([kinds = '', ...names]) => {
    const resources = await kube.resources(kinds)
    const each = names.length > 0 ? names : [undefined]
    return resources.flatMap((one) => each.map((name): Target => [one, name]))
  })
  return (await Promise.all(found)).flat()
}

/** The same with every thing by its name, those that a selector chooses too. */
export async function namedTargets(use: Use): Promise<[resource: Resource, name: string][]> {
  const each = (await targets(use)).map(async ([resource, name]): Promise<[Resource, string][]> => {
    if (name !== undefined) return [[resource, name]]
    if (!use.line.text('selector')) throw new Failed('error: no name was specified, and no selector')
    const path = pathOf(resource, use.namespace) + selection(use.line)
    const { items } = await use.kube.call<{ items: Thing[] }>('GET', path)
    return items.map((one) => [resource, one.metadata.name])
  })
  return (await Promise.all(each)).flat()
}

/** The query that chooses by label and field. */
export function selection(line: Line): string {
  const query = new URLSearchParams()
  const [labels, fields] = [line.text('selector'), line.text('field-selector')]
  if (labels) query.set('labelSelector', labels)
  if (fields) query.set('fieldSelector', fields)
  return query.size > 0 ? `?${query}` : ''
}

/** Notes a refusal on stderr; a thing that is not there is none with --ignore-not-found. @returns the exit code */
export function refused({ line, call }: Use, error: unknown): number {
  if (!(error instanceof Failed)) throw error
  if (line.has('ignore-not-found') && error.message.includes('(NotFound)')) return 0
  call.err(`${error.message}\n`)
  return 1
}

/** Looks until it is so, or the seconds have passed, or the caller is gone. */
export async function until({ call }: Use, limit: number, look: () => Promise<boolean>): Promise<boolean> {
  const started = performance.now()
  for (let pause = 20; !call.signal.aborted; pause = Math.min(500, pause * 1.5)) {
    if (await look()) return true
    if (performance.now() - started > limit * 1000) return false
    await sleep(pause)
  }
  return false
}
