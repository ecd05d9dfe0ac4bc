import { tell } from '../base/story.ts'
import type { Kube } from '../clients/tools.ts'
import { type HeldObject, trackingId } from '../gitops/held.ts'
import { kubectlRepeated } from './repeated.ts'

/**
 * Takes Argo CD's mark from objects that are there, so that it neither owns nor deletes them.
 * @throws ToolFailure
 */
export async function stripTracking(kube: Kube, objects: readonly HeldObject[]): Promise<void> {
  for (const { resource, name, namespace, id, kind } of objects) {
    const where = namespace === undefined ? [] : ['-n', namespace]
    const there = await kubectlRepeated(kube)`get ${resource} ${name} ${where} --ignore-not-found -o json`
    if (!there.text.includes(trackingId)) continue
    await kubectlRepeated(kube)`annotate ${resource} ${name} ${where} ${`${trackingId}-`}`
    tell('~', `${kind} ${id}`, 'no longer Argo CD’s')
  }
}
