import { z } from 'zod'
import { type Bucket, StoreRefusal } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isDriverVolume } from '../cluster/names.ts'
import type { Inventory } from '../cluster/ours.ts'
import { isObjectName } from '../kubernetes/object-names.ts'
import { backedVolumes } from './backed.ts'
import { listBackups } from './backups.ts'
import { bytesIn } from './bytes.ts'
import { eachObject } from './tarball.ts'
import { isWhole } from './whole.ts'

/** What backups hold of volumes: nothing of it is the only copy as long as they are kept. */
export interface Copies {
  /** Names of volumes that a whole backup could bring back. */
  volumes: ReadonlySet<string>
  /** Ids of snapshots that a backup stands on, whole or not. */
  snapshots: ReadonlySet<string>
}

/**
 * Reads what the backups hold of what is at DigitalOcean. A
 * volume counts as held under the name that the driver gave it, which no other has; one of another name, which a person
 * gave, only where the backup tells its id.
 */
export async function copiesIn(
  bucket: Bucket | undefined,
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  own: Pick<Inventory, 'volumes'>,
): Promise<Copies> {
  const bytes = bucket && bytesIn(bucket, cluster)
  const all = bytes ? await listBackups(bucket, cluster, bytes) : []
  const volumes = new Set<string>()
  const snapshots = new Set<string>()
  await Promise.all(
    all.map(async (one) => {
      if (!bytes) return
      const { name } = one.metadata
      // What cannot be read holds nothing, and of a name that is none nothing is read.
      const held = isObjectName(name) ? await backedVolumes(bucket, name, bytes).catch(() => []) : []
      for (const { snapshot } of held) if (snapshot) snapshots.add(snapshot)
      if (!isWhole(one)) return
      const named = new Set(held.map(({ volume }) => volume))
      const doubted = own.volumes.some((volume) => named.has(volume.name) && !isDriverVolume(volume.name))
      const handles = doubted ? await handlesIn(bucket, name).catch(nothingIn) : new Map<string, string>()
      for (const volume of own.volumes)
        if (named.has(volume.name) && (isDriverVolume(volume.name) || handles.get(volume.name) === volume.id))
          volumes.add(volume.name)
    }),
  )
  return { volumes, snapshots }
}

/** Of a backup that cannot be read nothing is known. */
function nothingIn(error: unknown): Map<string, string> {
  if (error instanceof StoreRefusal) throw error
  return new Map()
}

const csi = z.object({ csi: z.object({ volumeHandle: z.string() }) })

/** The ids at DigitalOcean of a backup's volumes, by their names. */
async function handlesIn(bucket: Bucket, backup: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  await eachObject(bucket, backup, (resource, one) => {
    const handle =
      resource === 'persistentvolumes' ? csi.safeParse(one.spec).data?.csi.volumeHandle : undefined
    if (handle) found.set(one.metadata.name, handle)
  })
  return found
}
