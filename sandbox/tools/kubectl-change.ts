import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { loadAll } from 'js-yaml'
import { Failed, seconds, Unknown } from './call.ts'
import { pathOf, shownAs, type Thing } from './kube.ts'
import { namedTargets, refused, type Use, until } from './kubectl-use.ts'

const merge = 'application/merge-patch+json'

/** `kubectl apply --server-side -f -|FILE` */
export async function apply({ kube, line, call, namespace }: Use): Promise<number> {
  if (!line.has('server-side')) throw new Unknown('apply without --server-side')
  const manager = line.text('field-manager') ?? 'kubectl'
  const how = `?fieldManager=${manager}&fieldValidation=Strict&force=${line.has('force-conflicts')}`
  for (const thing of await given(line, call)) {
    const resource = await kube.resourceOf(thing)
    const path = pathOf(resource, thing.metadata.namespace ?? namespace, thing.metadata.name)
    await kube.call('PATCH', path + how, { body: thing, type: 'application/apply-patch+yaml' })
    call.out(`${shownAs(resource)}/${thing.metadata.name} serverside-applied\n`)
  }
  return 0
}

/** `kubectl replace -f -|FILE`: of the version that is there, as kubectl asks for it. */
export async function replace({ kube, line, call, namespace }: Use): Promise<number> {
  for (const thing of await given(line, call)) {
    const resource = await kube.resourceOf(thing)
    const path = pathOf(resource, thing.metadata.namespace ?? namespace, thing.metadata.name)
    const { resourceVersion } = (await kube.call<Thing>('GET', path)).metadata
    const body = { ...thing, metadata: { ...thing.metadata, resourceVersion } }
    await kube.call('PUT', `${path}?fieldManager=kubectl-replace&fieldValidation=Strict`, { body })
    call.out(`${shownAs(resource)}/${thing.metadata.name} replaced\n`)
  }
  return 0
}

/** The objects of standard input or a file. */
async function given(line: Use['line'], call: Use['call']): Promise<Thing[]> {
  const file = line.text('filename') ?? ''
  const text = file === '-' ? await call.stdin() : readFileSync(resolve(call.cwd, file), 'utf8')
  return (loadAll(text) as (Thing | null)[]).flatMap((one) => one ?? [])
}

/** `kubectl patch KIND NAME --type merge -p JSON` */
export function patch(use: Use): Promise<number> {
  if (use.line.text('type') !== 'merge') throw new Unknown('patch without --type merge')
  return change(use, JSON.parse(use.line.text('patch') ?? ''), 'patch', 'patched')
}

/** `kubectl annotate|label KIND NAME KEY=VALUE… KEY-…` */
export function mark(use: Use, field: 'annotations' | 'labels'): Promise<number> {
  const isPair = (word: string) => /=|-$/.test(word)
  const pairs = use.words.filter(isPair).map((word) => {
    const [, key = '', value = null] = word.match(/^([^=]+?)(?:-|=(.*))$/) ?? []
    return [key, value]
  })
  const body = { metadata: { [field]: Object.fromEntries(pairs) } }
  const [manager, done] = field === 'labels' ? ['label', 'labeled'] : ['annotate', 'annotated']
  return change({ ...use, words: use.words.filter((word) => !isPair(word)) }, body, manager, done)
}

async function change(use: Use, body: unknown, manager: string, done: string): Promise<number> {
  const { kube, call, namespace } = use
  const how = { body, type: merge }
  for (const [resource, name] of await namedTargets(use)) {
    const path = pathOf(resource, namespace, name)
    const before = await kube.call<Thing>('GET', path)
    const after = await kube.call<Thing>('PATCH', `${path}?fieldManager=kubectl-${manager}`, how)
    const same = before.metadata.resourceVersion === after.metadata.resourceVersion
    call.out(`${shownAs(resource)}/${name} ${done}${same && done === 'patched' ? ' (no change)' : ''}\n`)
  }
  return 0
}

/** `kubectl delete KIND NAME…|-l SELECTOR`; waits until they are gone unless `--wait=false`. */
export async function remove(use: Use): Promise<number> {
  const { kube, call, line, namespace } = use
  let code = 0
  for (const [resource, name] of await namedTargets(use)) {
    const path = pathOf(resource, namespace, name)
    try {
      const { metadata } = await kube.call<Thing>('DELETE', path, {
        body: { propagationPolicy: 'Background' },
      })
      // Another of the same name may have been made by then.
      const isGone = async () => (await kube.find<Thing>(path))?.metadata.uid !== metadata.uid
      const from = resource.namespaced ? ` from ${namespace} namespace` : ''
      call.out(`${shownAs(resource)} "${name}" deleted${from}\n`)
      if (line.text('wait') !== 'false') await until(use, Infinity, isGone)
    } catch (error) {
      code = refused(use, error) || code
    }
  }
  return code
}

/** `kubectl cordon|uncordon NODE…` */
export async function cordon({ kube, call, words }: Use, unschedulable: boolean): Promise<number> {
  for (const name of words) {
    const path = `/api/v1/nodes/${name}`
    const { spec } = await kube.call<{ spec?: { unschedulable?: boolean } }>('GET', path)
    const same = (spec?.unschedulable ?? false) === unschedulable
    const body = { spec: { unschedulable: unschedulable || null } }
    if (!same) await kube.call('PATCH', path, { body, type: merge })
    call.out(`node/${name} ${same ? 'already ' : ''}${unschedulable ? 'cordoned' : 'uncordoned'}\n`)
  }
  return 0
}

/** `kubectl taint nodes NODE KEY=VALUE:EFFECT` */
export async function taint({ kube, call, words: [kind, name, text = ''] }: Use): Promise<number> {
  const [, key, value, effect] = text.match(/^([^=]+)=(.*):(\w+)$/) ?? []
  if (kind !== 'nodes' || !key) throw new Unknown(`taint ${kind} ${text}`)
  const path = `/api/v1/nodes/${name}`
  const { spec } = await kube.call<{ spec?: { taints?: { key: string }[] } }>('GET', path)
  const others = (spec?.taints ?? []).filter((one) => one.key !== key)
  const body = { spec: { taints: [...others, { key, value, effect }] } }
  await kube.call('PATCH', path, { body, type: merge })
  call.out(`node/${name} tainted\n`)
  return 0
}

/** `kubectl drain NODE --ignore-daemonsets --delete-emptydir-data`: cordons, then evicts one pod after the other. */
export async function drain(use: Use): Promise<number> {
  const { kube, call, line, words } = use
  for (const flag of ['ignore-daemonsets', 'delete-emptydir-data'])
    if (!line.has(flag)) throw new Unknown(`drain without --${flag}`)
  const limit = seconds(line.text('timeout') ?? '0s') || Infinity
  await cordon(use, true)
  for (const node of words) {
    const fail = (why: string) => new Failed(`error: unable to drain node "${node}": ${why}`)
    const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`
    const { items } = await kube.call<{ items: Thing[] }>('GET', path)
    const owner = ({ metadata }: Thing) =>
      (metadata.ownerReferences as { kind: string }[] | undefined)?.[0]?.kind
    if (items.some((pod) => !owner(pod)) && !line.has('force'))
      throw fail('cannot delete Pods that declare no controller (use --force to override)')
    for (const { metadata } of items.filter((pod) => owner(pod) !== 'DaemonSet')) {
      const { name, namespace, uid } = metadata
      const pod = `/api/v1/namespaces/${namespace}/pods/${name}`
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
      call.out(`evicting pod ${namespace}/${name}\n`)
      if (line.has('disable-eviction')) await kube.call('DELETE', pod, { body: {} })
      else await kube.call('POST', `${pod}/eviction`, { body })
      const isGone = async () => (await kube.find<Thing>(pod))?.metadata.uid !== uid
      if (!(await until(use, limit, isGone))) throw fail(`global timeout reached: ${line.text('timeout')}`)
      call.out(`pod/${name} evicted\n`)
    }
    call.out(`node/${node} drained\n`)
  }
  return 0
}
