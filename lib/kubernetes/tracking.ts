import { type HeldObject, trackingId } from '../gitops/held.ts'
import { tell } from '../story.ts'
import type { Kube } from '../tools.ts'
import { kubectlRepeated } from './repeated.ts'

/**
 * Takes Argo CD's mark from objects that are there, so that it neither owns nor deletes them.
 * @throws ToolFailure
 */
export async function stripTracking(kube: Kube, objects: readonly HeldObject[]): Promise<void> {
  for (const { resource, name, namespace, id, kind } of objects) {
    const where = namespace === undefined ? [] : ['-n', namespace]
    const there = await kubectlRepeated(kube)`get ${resource} ${name} ${where} --ignore-not-found -o name`
    if (there.text.trim() === '') continue
    await kubectlRepeated(kube)`annotate ${resource} ${name} ${where} ${`${trackingId}-`}`
    tell('~', `${kind} ${id}`, 'no longer Argo CD’s')
  }
}

/** An object as Argo CD takes no notice of it, for what is applied from a backup. */
export function withoutTracking<T extends { metadata: { annotations?: Record<string, string> | undefined } }>(
  one: T,
): T {
  const { [trackingId]: _, ...annotations } = one.metadata.annotations ?? {}
  return { ...one, metadata: { ...one.metadata, annotations } }
}
