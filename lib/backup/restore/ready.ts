import { z } from 'zod'
import { waitFor } from '../../base/wait.ts'
import { type Kube, kubectl, ToolFailure } from '../../clients/tools.ts'
import { type BackedObject, isReady } from '../objects.ts'
import type { Returning } from '../proof/sight.ts'
import { asManifest, idOf } from '../tarball.ts'

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

const items = z.object({ items: z.array(z.looseObject({})) })

const kinds = {
  'deployments.apps': 'Deployment',
  'statefulsets.apps': 'StatefulSet',
  'daemonsets.apps': 'DaemonSet',
} as const

/**
 * Waits until the workloads that were ready in the backup are ready again; not longer than five minutes, nor for pods of
 * which it is known that they cannot start.
 * @returns those that are not ready, one line each with the reason
 */
export async function readyAgain({ kube, held }: Returning): Promise<string[]> {
  const wanted = held.filter((one) => one.ready && one.resource in kinds)
  if (wanted.length === 0) return []
  const started = performance.now()
  let stuckSince: number | undefined
  return waitFor({ until: 'workloads are ready again', every: 2, within: 330 }, async (note) => {
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
    for (const [resource, kind] of Object.entries(kinds)) {
      if (!wanted.some((one) => one.resource === resource)) continue
      const answer = await kubectl(kube)`get ${resource} -A --request-timeout 20s -o json`
      for (const item of answer.json(items).items) {
        const one = asManifest({ apiVersion: 'apps/v1', kind, ...item })
        const isIt = wanted.some((each) => each.resource === resource && each.id === idOf(one))
        if (isIt && isReady(one) === false) late.push({ resource, id: idOf(one) })
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
