import { dump } from 'js-yaml'
import { aligned } from './aligned.ts'
import { Unknown } from './call.ts'
import { jsonPath } from './jsonpath.ts'
import { pathOf, type Resource, shownAs, type Thing } from './kube.ts'
import { refused, selection, type Target, targets, type Use } from './kubectl-use.ts'

/** `kubectl get` as JSON, YAML, names, a JSONPath or a table; with `--raw` what the API answers at a path. */
export async function get(use: Use): Promise<number> {
  const { line, call } = use
  const raw = line.text('raw')
  if (raw !== undefined) {
    const answer = await use.kube.call<unknown>('GET', raw)
    call.out(typeof answer === 'string' ? answer : `${JSON.stringify(answer)}\n`)
    return 0
  }
  const [output = '', template = ''] = line.text('output')?.split(/=(.*)/s) ?? []
  const wanted = await targets(use)
  if (output === 'wide' || output === '') return table(use, wanted)
  const { found, code } = await look<Thing & { items?: Thing[] }>(use, wanted)
  const things = found.flatMap(([resource, answer]): [Resource, Thing][] => {
    const apiVersion = [resource.group, resource.version].filter(Boolean).join('/')
    const items = answer.items?.map((item) => ({ apiVersion, kind: resource.kind, ...item }))
    return (items ?? [answer]).map((one) => [resource, one])
  })
  const single = wanted.length === 1 && wanted[0]?.[1] !== undefined
  if (single && things.length === 0) return code
  const items = things.map(([, thing]) => thing)
  const result = single
    ? items[0]
    : { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } }
  const forms: Record<string, () => string> = {
    json: () => `${JSON.stringify(result, null, 4)}\n`,
    yaml: () => dump(result, { lineWidth: -1 }),
    jsonpath: () => jsonPath(result, template),
    name: () => things.map(([kind, { metadata }]) => `${shownAs(kind)}/${metadata.name}\n`).join(''),
  }
  const form = forms[output]
  if (!form) throw new Unknown(`-o ${output}`)
  call.out(form())
  return code
}

/** Reads all targets; a refusal goes to stderr and makes the exit code 1. */
async function look<T>(use: Use, wanted: Target[], accept = 'application/json') {
  const namespace = use.line.has('all-namespaces') ? undefined : use.namespace
  const found: [Resource, T][] = []
  let code = 0
  for (const [resource, name] of wanted) {
    const path = pathOf(resource, namespace, name) + selection(use.line)
    try {
      found.push([resource, await use.kube.call<T>('GET', path, { accept })])
    } catch (error) {
      code = refused(use, error) || code
    }
  }
  return { found, code }
}

interface Table {
  columnDefinitions: { name: string; priority: number }[]
  rows: { cells: unknown[]; object: Thing }[]
}

/** The server makes the cells; the client chooses columns, names the kind where there are several, and aligns. */
async function table(use: Use, wanted: Target[]): Promise<number> {
  const { line, call } = use
  const { found, code } = await look<Table>(use, wanted, 'application/json;as=Table;v=v1;g=meta.k8s.io')
  const kinds = new Set(wanted.map(([resource]) => resource))
  const everywhere = line.has('all-namespaces')
  const parts = [...kinds].flatMap((kind) => {
    const tables = found.flatMap(([resource, one]) => (resource === kind ? [one] : []))
    const rows = tables.flatMap((one) => one.rows)
    const columns = tables[0]?.columnDefinitions ?? []
    const cellsOf = (namespace: string, cells: unknown[]) => [
      ...(everywhere && kind.namespaced ? [namespace] : []),
      ...cells.filter((_, at) => columns[at]?.priority === 0 || line.text('output') === 'wide').map(String),
    ]
    const titles = columns.map(({ name }) => name.toUpperCase())
    const lines = rows.map(({ cells: [name, ...cells], object }) =>
      cellsOf(object.metadata.namespace ?? '', [
        kinds.size > 1 ? `${shownAs(kind)}/${name}` : name,
        ...cells,
      ]),
    )
    const header = line.has('no-headers') ? [] : [cellsOf('NAMESPACE', titles)]
    return rows.length > 0 ? [aligned([...header, ...lines], 3, 6)] : []
  })
  call.out(parts.join('\n'))
  const inside =
    everywhere || ![...kinds].some((kind) => kind.namespaced) ? '' : ` in ${use.namespace} namespace.`
  if (parts.length === 0 && code === 0 && !line.has('ignore-not-found'))
    call.err(`No resources found${inside}\n`)
  return code
}
