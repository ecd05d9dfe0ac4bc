import type { Cluster } from '../cluster.ts'
import { listAt, type Thing, textAt } from '../tree.ts'

/** Names of the claims that a pod mounts. */
export function claimsOf(pod: Thing): string[] {
  return listAt(pod, 'spec', 'volumes')
    .map((one) => textAt(one, 'persistentVolumeClaim', 'claimName'))
    .filter(Boolean)
}

/** Where a volume is, or is about to be, plugged in. */
export function attachmentOf({ store }: Cluster, volume: string): Thing | undefined {
  return store
    .list('VolumeAttachment')
    .find((one) => textAt(one, 'spec', 'source', 'persistentVolumeName') === volume)
}
