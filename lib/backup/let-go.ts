import { z } from 'zod'
import type { RemovedObject } from '../gitops/removed.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { tell } from '../story.ts'
import type { Kube } from '../tools.ts'

const found = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
  }),
})

/** Whether something that was let go is deleted: Velero brought it, so the backup has it, and it is not on its way already. */
export const isDeleted = ({ metadata: { labels, deletionTimestamp } }: z.infer<typeof found>): boolean =>
  labels['velero.io/restore-name'] !== undefined && deletionTimestamp === undefined

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
    const there = await kubectlRepeated(kube)`get ${resource} ${name} ${where} --ignore-not-found -o json`
    if (there.text.trim() === '' || !isDeleted(there.json(found))) continue
    await kubectlRepeated(kube)`delete ${resource} ${name} ${where} --ignore-not-found --wait=false`
    tell('-', `${kind} ${id}`, 'let go')
  }
}
