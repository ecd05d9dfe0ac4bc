import { z } from 'zod'
import {
  type Application,
  applications,
  hasAnswered,
  isHealthy,
  isRefused,
  stateOf,
} from '../kubernetes/applications.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { tell } from '../story.ts'
import { type Kube, kubectl, ToolFailure } from '../tools.ts'
import { waitFor } from '../wait.ts'
import type { BackedObject } from './objects.ts'
import type { Returning } from './sight.ts'

/** Kinds without data of their own: Git makes them again as it wants them. */
const givesWay: Readonly<Record<string, string>> = {
  RoleBinding: 'rolebindings.rbac.authorization.k8s.io',
  ClusterRoleBinding: 'clusterrolebindings.rbac.authorization.k8s.io',
  Service: 'services',
  PriorityClass: 'priorityclasses.scheduling.k8s.io',
  StorageClass: 'storageclasses.storage.k8s.io',
  ConfigMap: 'configmaps',
  Secret: 'secrets',
}

/** The API server's words for a field that cannot be changed. */
const immutable =
  /immutable|cannot change|may not (be )?change|updates to .* (are )?forbidden|field is immutable/i

/** Seconds in which Argo CD tries again what it was refused: what it lacked may have come meanwhile. */
const again = 45

/**
 * Waits until Argo CD has said of every Application that brought something in the backup what it makes of it. What Velero
 * brought back and Git has otherwise, in a field that cannot be changed, gives way, where it holds no data: Git makes its
 * own. An Application that is refused has 45 seconds: it is told, and not waited for.
 * @returns what gave way, and what Git cannot change, one line each
 */
export async function gitTakesOver({ kube, held }: Returning): Promise<string[]> {
  const changed = new Map<string, string>()
  const needed = new Set(held.flatMap((one) => one.app ?? []))
  const refusedSince = new Map<string, number>()
  const started = performance.now()
  await waitFor({ wish: 'Argo CD brings what Git has', every: 2, within: 600 }, async (note) => {
    const apps = await seen(kube)
    if (!apps) return undefined
    for (const [name, one] of apps) {
      await makeWay(kube, name, one, held, changed)
      if (isRefused(one) && !isHealthy(one))
        refusedSince.set(name, refusedSince.get(name) ?? performance.now())
      else refusedSince.delete(name)
    }
    const waiting = [...needed].filter((name) => {
      const one = apps.get(name)
      if (!one) return false
      const since = refusedSince.get(name)
      return since === undefined ? !hasAnswered(one) : performance.now() - since < again * 1000
    })
    note(waiting.map((name) => `${name} ${stateOf(apps.get(name))}`).join('; '))
    // An Application that never gets to an answer is told in the proof.
    return waiting.length === 0 || performance.now() - started > 590_000 ? true : undefined
  })
  return [...changed.values()]
}

async function seen(kube: Kube): Promise<Map<string, Application> | undefined> {
  try {
    return await applications(kube)
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}

const restored = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
})

async function makeWay(
  kube: Kube,
  app: string,
  one: Application,
  all: readonly BackedObject[],
  changed: Map<string, string>,
): Promise<void> {
  for (const each of one.status?.operationState?.syncResult?.resources ?? []) {
    const { kind, namespace, name, status, message = '' } = each
    if (status !== 'SyncFailed' || !immutable.test(message)) continue
    const id = namespace ? `${namespace}/${name}` : name
    const held = all.find((other) => other.kind === kind && (other.id === id || other.id === name))
    const key = `${kind} ${id}`
    if (!held || changed.has(key)) continue
    const resource = givesWay[kind]
    if (!resource) {
      changed.set(
        key,
        `${held.resource} ${held.id}: Git wants it otherwise, and it cannot be changed: ${message}`,
      )
      tell('!', key, `kept as in the backup; Git cannot change it: ${message.slice(0, 200)}`)
      continue
    }
    const where = held.id.includes('/') ? ['-n', held.id.split('/')[0] ?? ''] : []
    const found = await kubectlRepeated(kube)`get ${resource} ${name} ${where} --ignore-not-found -o json`
    if (found.text.trim() === '') continue
    if (found.json(restored).metadata.labels['velero.io/restore-name'] === undefined) continue
    await kubectlRepeated(kube)`delete ${resource} ${name} ${where} --ignore-not-found --wait=false`
    changed.set(key, `${held.resource} ${held.id}: Git’s is another one, and took its place: ${message}`)
    tell('~', key, `gives way to Git’s, of Application ${app}`)
  }
}

const onItsWay = ['ContainerCreating', 'PodInitializing']
const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      status: z
        .object({
          conditions: z
            .array(z.object({ type: z.string(), status: z.string(), message: z.string().default('') }))
            .default([]),
          containerStatuses: z
            .array(
              z.object({
                state: z
                  .object({
                    waiting: z
                      .object({ reason: z.string().default(''), message: z.string().default('') })
                      .optional(),
                  })
                  .prefault({}),
              }),
            )
            .default([]),
        })
        .prefault({}),
    }),
  ),
})

const workloads = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      spec: z.object({ replicas: z.number().default(1) }),
      status: z
        .object({
          readyReplicas: z.number().default(0),
          numberReady: z.number().optional(),
          desiredNumberScheduled: z.number().optional(),
        })
        .prefault({}),
    }),
  ),
})

const kinds = ['deployments.apps', 'statefulsets.apps', 'daemonsets.apps'] as const

/**
 * Waits until the workloads that were ready in the backup are ready again; not longer than five minutes, nor for pods of
 * which it is known that they cannot start.
 * @returns those that are not ready, one line each with the reason
 */
export async function readyAgain({ kube, held }: Returning): Promise<string[]> {
  const wanted = held.filter((one) => one.ready && (kinds as readonly string[]).includes(one.resource))
  if (wanted.length === 0) return []
  const started = performance.now()
  let stuckSince: number | undefined
  return waitFor({ wish: 'workloads are ready again', every: 2, within: 330 }, async (note) => {
    const late = await notReady(kube, wanted)
    if (!late) return undefined
    if (late.length === 0) return []
    note(late.map(({ line }) => line).join('; '))
    const now = performance.now()
    stuckSince = late.every((one) => one.stuck) ? (stuckSince ?? now) : undefined
    const isStuck = stuckSince !== undefined && now - stuckSince > 20_000
    return isStuck || now - started > 300_000 ? late.map(({ line }) => line) : undefined
  })
}

async function notReady(
  kube: Kube,
  wanted: readonly BackedObject[],
): Promise<{ line: string; stuck: boolean }[] | undefined> {
  try {
    const late: { resource: string; id: string }[] = []
    for (const resource of kinds.filter((kind) => wanted.some((one) => one.resource === kind))) {
      const answer = await kubectl(kube)`get ${resource} -A --request-timeout 20s -o json`
      for (const { metadata, spec, status } of answer.json(workloads).items) {
        const id = `${metadata.namespace}/${metadata.name}`
        const isIt = wanted.some((one) => one.resource === resource && one.id === id)
        const isReady =
          resource === 'daemonsets.apps'
            ? (status.numberReady ?? 0) >= (status.desiredNumberScheduled ?? 0)
            : status.readyReplicas >= spec.replicas
        if (isIt && !isReady) late.push({ resource, id })
      }
    }
    if (late.length === 0) return []
    const all = (await kubectl(kube)`get pods -A --request-timeout 20s -o json`).json(pods).items
    return late.map(({ resource, id }) => {
      const own = all.filter(({ metadata }) => `${metadata.namespace}/${metadata.name}`.startsWith(`${id}-`))
      const why = own.flatMap(trouble)
      return {
        line: `${resource} ${id}${why[0] ? `: ${why[0]}` : ''}`,
        stuck: own.length > 0 && why.length > 0,
      }
    })
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}

/** What is known to keep a pod from starting. */
function trouble({ status }: z.infer<typeof pods>['items'][number]): string[] {
  const unplaced = status.conditions.find((one) => one.type === 'PodScheduled' && one.status === 'False')
  const waiting = status.containerStatuses
    .map((one) => one.state.waiting)
    .find((one) => one && one.reason !== '' && !onItsWay.includes(one.reason))
  return [
    ...(unplaced ? [unplaced.message || 'no machine takes its pod'] : []),
    ...(waiting ? [`${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}`] : []),
  ]
}
