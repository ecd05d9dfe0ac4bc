import { z } from 'zod'
import { tell } from '../../base/story.ts'
import type { Kube } from '../../clients/tools.ts'
import type { RemovedObject } from '../../gitops/removed.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'

const object = z.object({
  kind: z.string(),
  metadata: z.object({
    name: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
    ownerReferences: z.array(z.unknown()).optional(),
  }),
})
const list = z.object({ items: z.array(object) })
type Found = z.infer<typeof object>

/** Velero brought it, so the backup has it. Namespaces it makes without a label (velero `EnsureNamespaceExistsAndIsReady`). */
const isRestored = ({ metadata }: Found) => metadata.labels['velero.io/restore-name'] !== undefined

/**
 * Why something that was let go stays, or undefined where it is deleted: nothing goes that Velero did not bring, and no
 * namespace in which somebody keeps data since.
 * @param within the claims, Secrets and ConfigMaps of a namespace
 */
export function whyKept(one: Found, within: readonly Found[]): string | undefined {
  if (one.metadata.deletionTimestamp !== undefined) return 'it is being deleted'
  if (one.kind !== 'Namespace') return isRestored(one) ? undefined : 'this restore did not make it'
  // What a controller makes, such as the Secret of a SealedSecret, is nobody's data.
  const isMade = ({ metadata }: Found) => metadata.name === 'kube-root-ca.crt' || metadata.ownerReferences
  const since = within.find((each) => !isRestored(each) && !isMade(each))
  return since && `${since.kind} ${since.metadata.name} was made in it since`
}

/**
 * Deletes what a person let go by an explicit word: Velero cannot leave out single objects, and Argo CD may not delete
 * what holds data. What stands in a namespace goes with the namespace.
 * @throws ToolFailure
 */
export async function deleteLetGo(kube: Kube, removed: readonly RemovedObject[]): Promise<void> {
  const look = kubectlRepeated(kube)
  for (const { object: wanted, with: taker } of removed) {
    if (taker !== undefined) continue
    const { resource, name, namespace, kind, id } = wanted
    const where = namespace === undefined ? [] : ['-n', namespace]
    const there = await look`get ${resource} ${name} ${where} --ignore-not-found -o json`
    if (there.text.trim() === '') continue
    const within =
      kind === 'Namespace'
        ? (await look`get persistentvolumeclaims,secrets,configmaps -n ${name} -o json`).json(list).items
        : []
    const kept = whyKept(there.json(object), within)
    if (!kept)
      await kubectlRepeated(kube)`delete ${resource} ${name} ${where} --ignore-not-found --wait=false`
    tell(kept ? '=' : '-', `${kind} ${id}`, kept ? `stays: ${kept}` : 'let go')
  }
}
