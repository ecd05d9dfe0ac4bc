import { Failed, seconds, Unknown } from './call.ts'
import { jsonPath } from './jsonpath.ts'
import { pathOf, shownAs, type Thing } from './kube.ts'
import { namedTargets, type Use, until } from './kubectl-use.ts'

/** `kubectl wait --for=condition=…|jsonpath=…|create|delete` */
export async function wait(use: Use): Promise<number> {
  const { kube, call, line, namespace } = use
  const goal = line.text('for') ?? ''
  const limit = seconds(line.text('timeout') ?? '30s')
  const wanted = await namedTargets(use)
  if (wanted.length === 0) throw new Failed('error: no matching resources found')
  for (const [resource, name] of wanted) {
    const path = pathOf(resource, namespace, name)
    if (goal !== 'create' && goal !== 'delete') await kube.call('GET', path)
    const isMet = await until(use, limit, async () => reached(await kube.find<Thing>(path), goal))
    const on =
      goal === 'create' ? '' : ` on ${[resource.name, resource.group].filter(Boolean).join('.')}/${name}`
    if (!isMet) throw new Failed(`error: timed out waiting for the condition${on}`)
    if (goal !== 'delete') call.out(`${shownAs(resource)}/${name} condition met\n`)
  }
  return 0
}

function reached(thing: Thing | undefined, goal: string): boolean {
  if (goal === 'create') return thing !== undefined
  if (goal === 'delete') return thing === undefined
  const [, kind, what = '', value] = goal.match(/^(condition|jsonpath)=(\{[^}]*\}|[^=]+)(?:=(.*))?$/) ?? []
  if (!kind) throw new Unknown(`--for=${goal}`)
  const isCondition = kind === 'condition'
  const found = jsonPath(thing, isCondition ? `.status.conditions[?(@.type=="${what}")].status` : what)
  if (isCondition) return found.toLowerCase() === (value ?? 'True').toLowerCase()
  return value === undefined ? found !== '' : found === value
}

/** `kubectl rollout status deployment|statefulset NAME` */
export async function rollout(use: Use): Promise<number> {
  const [sub, ...words] = use.words
  if (sub !== 'status') throw new Unknown(`rollout ${sub}`)
  const limit = seconds(use.line.text('timeout') ?? '0s') || Infinity
  for (const [resource, name] of await namedTargets({ ...use, words })) {
    const field = { Deployment: 'availableReplicas', StatefulSet: 'readyReplicas' }[resource.kind]
    if (!field) throw new Unknown(`rollout status ${resource.name}`)
    const isOut = await until(use, limit, async () => {
      const thing = await use.kube.call('GET', pathOf(resource, use.namespace, name))
      return Number(jsonPath(thing, `.status.${field}`)) >= Number(jsonPath(thing, '.spec.replicas') || 1)
    })
    if (!isOut) throw new Failed('error: timed out waiting for the condition')
    use.call.out(`${resource.kind.toLowerCase()} "${name}" successfully rolled out\n`)
  }
  return 0
}
