import type { Cluster } from '../cluster.ts'
import { type Kind, resourceOf } from '../kinds.ts'
import type { Thing } from '../tree.ts'
import { textAt } from '../tree.ts'

/** Milliseconds from one look to the next. */
const pause = 300_000

/** Whether a pod is the one of Velero's server, and runs. */
export const serves = (pod: Thing): boolean =>
  pod.metadata.namespace === 'velero' &&
  pod.metadata.name.startsWith('velero-') &&
  textAt(pod, 'status', 'phase') === 'Running'

const madeAt = (thing: Thing | undefined) => textAt(thing, 'metadata', 'creationTimestamp')

/** The kinds that Velero knows: it asks the API for them when it starts, and every five minutes after that. */
export function knownKinds({ store }: Cluster): Kind[] {
  const started = Date.parse(madeAt(store.list('Pod', 'velero').find(serves)))
  const looked = started + Math.floor((Date.now() - started) / pause) * pause
  return store.kinds.all().filter((kind) => {
    const definition = store.find('CustomResourceDefinition', undefined, resourceOf(kind))
    return !definition || Date.parse(madeAt(definition)) <= looked
  })
}
