import { z } from 'zod'
import type { RemovedObject } from '../gitops/removed.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { tell } from '../story.ts'
import type { Kube } from '../tools.ts'

const restored = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
  }),
})

/**
 * Deletes what a person let go by an explicit word: Velero cannot leave out single objects, and Argo CD may not delete
 * what holds data. Only what Velero restored is deleted, so its bytes are in the backup; what stands in a namespace goes
 * with the namespace.
 * @throws ToolFailure
 */
export async function deleteLetGo(kube: Kube, removed: readonly RemovedObject[]): Promise<void> {
  for (const { object, with: taker } of removed) {
    if (taker !== undefined) continue
    const { resource, name, namespace, kind, id } = object
    const where = namespace === undefined ? [] : ['-n', namespace]
    const found = await kubectlRepeated(kube)`get ${resource} ${name} ${where} --ignore-not-found -o json`
    if (found.text.trim() === '') continue
    const { labels, deletionTimestamp } = found.json(restored).metadata
    if (labels['velero.io/restore-name'] === undefined || deletionTimestamp !== undefined) continue
    await kubectlRepeated(kube)`delete ${resource} ${name} ${where} --ignore-not-found --wait=false`
    tell('-', `${kind} ${id}`, 'let go')
  }
}
