import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dump, loadAll } from 'js-yaml'
import { aligned } from './aligned.ts'
import { type Call, Failed, type Line, parse, seconds, Unknown } from './call.ts'
import { jsonPath } from './jsonpath.ts'
import { type Kube, openKube, pathOf, type Resource, shownAs, type Thing } from './kube.ts'

interface Use {
  call: Call
  kube: Kube
  line: Line
  words: string[]
  namespace: string
}

/** A kind, and the name of one of its things or all of them. */
type Target = [resource: Resource, name: string | undefined]

const merge = 'application/merge-patch+json'
const globals = ['kubeconfig', 'namespace', 'request-timeout']
const switches =
  'all-namespaces ignore-not-found server-side force-conflicts overwrite ignore-daemonsets delete-emptydir-data no-headers force client'.split(
    ' ',
  )
const short = { n: 'namespace', o: 'output', l: 'selector', f: 'filename', p: 'patch', A: 'all-namespaces' }

/** What each command takes, and does. A word of two parts is a command with its subcommand. */
const commands: Record<string, [flags: string, run: (use: Use) => Promise<number>]> = {
  get: ['output selector field-selector all-namespaces ignore-not-found no-headers', get],
  apply: ['server-side force-conflicts field-manager filename', apply],
  patch: ['type patch', patch],
  annotate: ['overwrite', (use) => mark(use, 'annotations', 'annotated')],
  label: ['overwrite', (use) => mark(use, 'labels', 'labeled')],
  delete: ['ignore-not-found wait selector', remove],
  cordon: ['', (use) => cordon(use, true)],
  uncordon: ['', (use) => cordon(use, false)],
  drain: ['ignore-daemonsets delete-emptydir-data timeout force', drain],
  wait: ['for timeout selector', wait],
  rollout: ['timeout', rollout],
  version: ['output client', version],
}

/** kubectl, as far as regrow and a person looking around use it. */
export async function kubectl(call: Call): Promise<number> {
  const line = parse(call.argv, switches, short)
  const [verb = '', ...words] = line.words
  const command = Object.hasOwn(commands, verb) ? commands[verb] : undefined
  if (!command) throw new Unknown(verb)
  line.only([...globals, ...command[0].split(' ')])
  const kube = openKube(call, line.text('kubeconfig'))
  return command[1]({ call, kube, line, words, namespace: line.text('namespace') ?? kube.namespace })
}

/** What `KIND NAME…`, `KIND/NAME…` or `KIND[,KIND]` mean: kinds, each with a name or none. */
async function targets({ kube, words: [first = '', ...rest] }: Use): Promise<Target[]> {
  if (!first) throw new Failed('error: Required resource not specified.')
  const pairs = first.includes('/') ? [first, ...rest].map((word) => word.split('/')) : [[first, ...rest]]
  const found = pairs.map(async ([kinds = '', ...names]) => {
    const resources = await kube.resources(kinds)
    const each = names.length > 0 ? names : [undefined]
    return resources.flatMap((one) => each.map((name): Target => [one, name]))
  })
  return (await Promise.all(found)).flat()
}

function query(line: Line): string {
  const pairs = [
    ['labelSelector', line.text('selector')],
    ['fieldSelector', line.text('field-selector')],
  ].filter(([, value]) => value !== undefined)
  return pairs.length
    ? `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`).join('&')}`
    : ''
}

async function get(use: Use): Promise<number> {
  const { line, call, kube } = use
  const [output = 'wide', template = ''] = line.text('output')?.split(/=(.*)/s) ?? ['']
  const wanted = await targets(use)
  const single = wanted.length === 1 && wanted[0]?.[1] !== undefined
  if (output === 'wide' || output === '') return table(use, wanted)
  const { found, code } = await look<Thing & { items?: Thing[] }>(use, wanted)
  const things = found.flatMap(([{ kind, group, version }, answer]): Thing[] => {
    const apiVersion = group ? `${group}/${version}` : version
    return answer.items?.map((item) => ({ apiVersion, kind, ...item })) ?? [answer]
  })
  if (single && things.length === 0) return code
  const list = { apiVersion: 'v1', items: things, kind: 'List', metadata: { resourceVersion: '' } }
  const result = single ? things[0] : list
  if (output === 'json') call.out(`${JSON.stringify(result, null, 4)}\n`)
  else if (output === 'yaml') call.out(dump(result, { lineWidth: -1 }))
  else if (output === 'jsonpath') call.out(jsonPath(result, template))
  else if (output !== 'name') throw new Unknown(`-o ${output}`)
  else
    for (const thing of things) call.out(`${shownAs(await kube.resourceOf(thing))}/${thing.metadata.name}\n`)
  return code
}

/** Reads all targets; a refusal goes to stderr and makes the exit code 1. */
async function look<T>(use: Use, wanted: Target[], accept = 'application/json') {
  const everywhere = use.line.has('all-namespaces')
  const found: [Resource, T][] = []
  let code = 0
  for (const [resource, name] of wanted) {
    const path = pathOf(resource, everywhere ? undefined : use.namespace, name) + query(use.line)
    try {
      found.push([resource, await use.kube.call<T>('GET', path, { accept })])
    } catch (error) {
      code = refused(use, error) || code
    }
  }
  return { found, code }
}

/** Notes a refusal on stderr; a thing that is not there is none with --ignore-not-found. @returns the exit code */
function refused({ line, call }: Use, error: unknown): number {
  if (!(error instanceof Failed)) throw error
  if (line.has('ignore-not-found') && error.message.includes('(NotFound)')) return 0
  call.err(`${error.message}\n`)
  return 1
}

interface Table {
  columnDefinitions: { name: string; priority: number }[]
  rows: { cells: unknown[]; object: Thing }[]
}

async function table(use: Use, wanted: Target[]): Promise<number> {
  const { line, call } = use
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  const { found, code } = await look<Table>(use, wanted, accept)
  const kinds = new Set(wanted.map(([resource]) => resource))
  const everywhere = line.has('all-namespaces')
  const parts = [...kinds].flatMap((kind) => {
    const tables = found.flatMap(([resource, one]) => (resource === kind ? [one] : []))
    const columns = tables[0]?.columnDefinitions ?? []
    const shown = columns.map(({ priority }) => priority === 0 || line.text('output') === 'wide')
    const row = (namespace: string, cells: unknown[]) => [
      ...(everywhere && kind.namespaced ? [namespace] : []),
      ...cells.filter((_, index) => shown[index]).map(String),
    ]
    const named = (cells: unknown[]) => [
      kinds.size > 1 ? `${shownAs(kind)}/${cells[0]}` : cells[0],
      ...cells.slice(1),
    ]
    const rows = tables
      .flatMap((one) => one.rows)
      .map(({ cells, object }) => row(object.metadata.namespace ?? '', named(cells)))
    const header = row(
      'NAMESPACE',
      columns.map(({ name }) => name.toUpperCase()),
    )
    return rows.length === 0 ? [] : [aligned(line.has('no-headers') ? rows : [header, ...rows], 3, 6)]
  })
  call.out(parts.join('\n'))
  const inside =
    everywhere || ![...kinds].some((kind) => kind.namespaced) ? '' : ` in ${use.namespace} namespace.`
  if (parts.length === 0 && code === 0 && !line.has('ignore-not-found'))
    call.err(`No resources found${inside}\n`)
  return code
}

async function apply({ kube, line, call, namespace }: Use): Promise<number> {
  if (!line.has('server-side')) throw new Unknown('apply without --server-side')
  const file = line.text('filename') ?? ''
  const text = file === '-' ? await call.stdin() : readFileSync(resolve(call.cwd, file), 'utf8')
  const manager = line.text('field-manager') ?? 'kubectl'
  const how = `?fieldManager=${manager}&fieldValidation=Strict&force=${line.has('force-conflicts')}`
  for (const thing of (loadAll(text) as (Thing | null)[]).flatMap((one) => one ?? [])) {
    const resource = await kube.resourceOf(thing)
    const path = pathOf(resource, thing.metadata.namespace ?? namespace, thing.metadata.name)
    await kube.call('PATCH', path + how, { body: thing, type: 'application/apply-patch+yaml' })
    call.out(`${shownAs(resource)}/${thing.metadata.name} serverside-applied\n`)
  }
  return 0
}

/** Changes each thing named by a merge patch and says so; unchanged ones are told apart where kubectl does. */
async function change(
  use: Use,
  words: string[],
  body: unknown,
  manager: string,
  done: string,
): Promise<number> {
  const { kube, call, namespace } = use
  for (const [resource, name = ''] of await targets({ ...use, words })) {
    const path = pathOf(resource, namespace, name)
    const before = await kube.call<Thing>('GET', path)
    const after = await kube.call<Thing>('PATCH', `${path}?fieldManager=kubectl-${manager}`, {
      body,
      type: merge,
    })
    const same = before.metadata.resourceVersion === after.metadata.resourceVersion
    call.out(`${shownAs(resource)}/${name} ${done}${same && done === 'patched' ? ' (no change)' : ''}\n`)
  }
  return 0
}

function patch(use: Use): Promise<number> {
  if (use.line.text('type') !== 'merge') throw new Unknown('patch without --type merge')
  return change(use, use.words, JSON.parse(use.line.text('patch') ?? ''), 'patch', 'patched')
}

function mark(use: Use, field: 'annotations' | 'labels', done: string): Promise<number> {
  const isPair = (word: string) => /=|-$/.test(word)
  const pairs = use.words.filter(isPair).map((word) => {
    const [key = '', ...value] = word.split('=')
    return word.includes('=') ? [key, value.join('=')] : [word.slice(0, -1), null]
  })
  const body = { metadata: { [field]: Object.fromEntries(pairs) } }
  const words = use.words.filter((word) => !isPair(word))
  return change(use, words, body, field === 'labels' ? 'label' : 'annotate', done)
}

async function remove(use: Use): Promise<number> {
  const { kube, call, line, namespace } = use
  let code = 0
  for (const [resource, named] of await targets(use)) {
    if (named === undefined && !line.text('selector'))
      throw new Failed('error: resource(s) were provided, but no name was specified')
    const all =
      named ?? (await kube.call<{ items: Thing[] }>('GET', pathOf(resource, namespace) + query(line))).items
    for (const name of typeof all === 'string' ? [all] : all.map((one) => one.metadata.name)) {
      const path = pathOf(resource, namespace, name)
      try {
        await kube.call('DELETE', path, { body: { propagationPolicy: 'Background' } })
      } catch (error) {
        code = refused(use, error) || code
        continue
      }
      const from = resource.namespaced ? ` from ${namespace} namespace` : ''
      call.out(`${shownAs(resource)} "${name}" deleted${from}\n`)
      if (line.text('wait') !== 'false')
        await until(use, Number.POSITIVE_INFINITY, async () => !(await kube.find(path)))
    }
  }
  return code
}

async function cordon(use: Use, unschedulable: boolean): Promise<number> {
  const { kube, call, words } = use
  for (const name of words) {
    const node = await kube.call<Thing>('GET', `/api/v1/nodes/${name}`)
    const word = unschedulable ? 'cordoned' : 'uncordoned'
    const same =
      Boolean((node.spec as { unschedulable?: boolean } | undefined)?.unschedulable) === unschedulable
    const body = { spec: { unschedulable: unschedulable || null } }
    if (!same) await kube.call('PATCH', `/api/v1/nodes/${name}`, { body, type: merge })
    call.out(`node/${name} ${same ? 'already ' : ''}${word}\n`)
  }
  return 0
}

async function drain(use: Use): Promise<number> {
  const { kube, call, line, words } = use
  await cordon(use, true)
  for (const node of words) {
    const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`
    const { items } = await kube.call<{ items: Thing[] }>('GET', path)
    const owner = (pod: Thing) => (pod.metadata.ownerReferences as { kind: string }[] | undefined)?.[0]?.kind
    const daemons = items.filter((pod) => owner(pod) === 'DaemonSet')
    const loose = items.filter((pod) => owner(pod) === undefined)
    if (daemons.length > 0 && !line.has('ignore-daemonsets'))
      throw new Failed(
        `error: unable to drain node "${node}": cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)`,
      )
    if (loose.length > 0 && !line.has('force'))
      throw new Failed(
        `error: unable to drain node "${node}": cannot delete Pods that declare no controller (use --force to override)`,
      )
    const leaving = items.filter((pod) => !daemons.includes(pod))
    for (const { metadata } of leaving) {
      call.out(`evicting pod ${metadata.namespace}/${metadata.name}\n`)
      const pod = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`
      const { name, namespace } = metadata
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
      await kube.call('POST', `${pod}/eviction`, { body })
      const isGone = await until(
        use,
        seconds(line.text('timeout') ?? '0s') || Number.POSITIVE_INFINITY,
        async () => (await kube.find<Thing>(pod))?.metadata.uid !== metadata.uid,
      )
      if (!isGone)
        throw new Failed(
          `error: unable to drain node "${node}" due to error: global timeout reached: ${line.text('timeout')}`,
        )
      call.out(`pod/${name} evicted\n`)
    }
    call.out(`node/${node} drained\n`)
  }
  return 0
}

async function wait(use: Use): Promise<number> {
  const { kube, call, line, namespace } = use
  const goal = line.text('for') ?? ''
  const limit = seconds(line.text('timeout') ?? '30s')
  const named = (await targets(use)).map(async ([resource, name]): Promise<[Resource, string][]> => {
    if (name) return [[resource, name]]
    const { items } = await kube.call<{ items: Thing[] }>('GET', pathOf(resource, namespace) + query(line))
    return items.map((one) => [resource, one.metadata.name])
  })
  const all = (await Promise.all(named)).flat()
  if (all.length === 0) throw new Failed('error: no matching resources found')
  for (const [resource, name] of all) {
    const path = pathOf(resource, namespace, name)
    if (!['create', 'delete'].includes(goal)) await kube.call('GET', path)
    const isMet = await until(use, limit, async () => reached(await kube.find<Thing>(path), goal))
    const plural = [resource.name, resource.group].filter(Boolean).join('.')
    if (!isMet)
      throw new Failed(
        `error: timed out waiting for the condition${goal === 'create' ? '' : ` on ${plural}/${name}`}`,
      )
    if (goal !== 'delete') call.out(`${shownAs(resource)}/${name} condition met\n`)
  }
  return 0
}

function reached(thing: Thing | undefined, goal: string): boolean {
  if (goal === 'create') return thing !== undefined
  if (goal === 'delete') return thing === undefined
  const [, kind, what = '', value] = goal.match(/^(condition|jsonpath)=(\{[^}]*\}|[^=]+)(?:=(.*))?$/) ?? []
  if (kind === 'jsonpath') {
    const found = jsonPath(thing, what)
    return value === undefined ? found !== '' : found === value
  }
  if (kind !== 'condition') throw new Unknown(`--for=${goal}`)
  const [type = '', status = 'True'] = [what, value]
  return (
    jsonPath(thing, `.status.conditions[?(@.type=="${type}")].status`).toLowerCase() === status.toLowerCase()
  )
}

async function rollout(use: Use): Promise<number> {
  const [sub, ...words] = use.words
  if (sub !== 'status') throw new Unknown(`rollout ${sub}`)
  for (const [resource, name = ''] of await targets({ ...use, words })) {
    const path = pathOf(resource, use.namespace, name)
    const { kube } = use
    await kube.call('GET', path)
    const ready = { Deployment: 'availableReplicas', StatefulSet: 'readyReplicas' }[resource.kind]
    if (!ready) throw new Unknown(`rollout status ${resource.name}`)
    const limit = seconds(use.line.text('timeout') ?? '0s') || Number.POSITIVE_INFINITY
    const isOut = await until(use, limit, async () => {
      const { spec, status } = await kube.call<Record<'spec' | 'status', Record<string, number> | undefined>>(
        'GET',
        path,
      )
      return (status?.[ready] ?? 0) >= (spec?.replicas ?? 1)
    })
    if (!isOut) throw new Failed('error: timed out waiting for the condition')
    use.call.out(`${resource.kind.toLowerCase()} "${name}" successfully rolled out\n`)
  }
  return 0
}

async function version({ kube, line, call }: Use): Promise<number> {
  const unsaid = { gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '', platform: '' }
  const client = { major: '1', minor: '36', gitVersion: 'v1.36.3-stand-in', ...unsaid }
  const read = async () => ({ ...unsaid, ...(await kube.call<{ gitVersion: string }>('GET', '/version')) })
  const server = line.has('client') ? undefined : await read()
  const more = server ? { serverVersion: server } : {}
  if (line.text('output') === 'json')
    call.out(`${JSON.stringify({ clientVersion: client, kustomizeVersion: 'none', ...more }, null, 2)}\n`)
  else
    call.out(
      `Client Version: ${client.gitVersion}\n${server ? `Server Version: ${server.gitVersion}\n` : ''}`,
    )
  return 0
}

/** Looks until it is so, or the seconds have passed, or the caller is gone. */
async function until(
  { call }: Pick<Use, 'call'>,
  limit: number,
  look: () => Promise<boolean>,
): Promise<boolean> {
  const started = performance.now()
  for (let pause = 20; !call.signal.aborted; pause = Math.min(500, pause * 1.5)) {
    if (await look()) return true
    if (performance.now() - started > limit * 1000) return false
    await sleep(pause)
  }
  return false
}
