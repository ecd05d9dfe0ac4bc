import { type Bucket, StoreRefusal } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Inventory } from '../cluster/ours.ts'
import { isObjectName } from '../kubernetes/object-names.ts'
import { isOlder } from '../machines/first/earlier.ts'
import { backedVolumes } from './backed.ts'
import { listBackups } from './backups.ts'
import { bytesIn } from './bytes.ts'
import { type BackedObject, backedObjects } from './objects.ts'
import { provenIds } from './restore/volumes.ts'
import { vouchersOf } from './vouch/vouching.ts'
import { isWhole } from './whole.ts'

/** What backups hold of volumes: nothing of it is the only copy as long as they are kept. */
export interface Copies {
  /** Ids of volumes that a whole backup could bring back. */
  volumes: ReadonlySet<string>
  /** Ids of snapshots that a backup stands on, whole or not. */
  snapshots: ReadonlySet<string>
}

/**
 * Reads what the backups hold of what is at DigitalOcean. A volume counts as held where the list of a whole backup's
 * volumes, its claim and its id say the same, the bytes are there, and it is older than the backup: a name in a file
 * proves nothing. Where backups are vouched for, others hold nothing.
 * @param kit the bucket of the kit, which tells which are; without it no volume is asked about
 */
export async function copiesIn(
  bucket: Bucket | undefined,
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  own: Pick<Inventory, 'volumes'>,
  kit?: Bucket,
): Promise<Copies> {
  const bytes = bucket && bytesIn(bucket, cluster)
  const all = bytes ? await listBackups(bucket, cluster, bytes) : []
  const vouchers = bucket && vouchersOf(bucket, kit)
  const volumes = new Set<string>()
  const snapshots = new Set<string>()
  await Promise.all(
    all.map(async (one) => {
      if (!bytes || !vouchers) return
      const { name } = one.metadata
      // What cannot be read holds nothing, and of a name that is none nothing is read.
      const held = isObjectName(name) ? await backedVolumes(bucket, name, bytes).catch(() => []) : []
      for (const { snapshot } of held) if (snapshot) snapshots.add(snapshot)
      const older = own.volumes.filter((volume) => isOlder(volume, one.status?.completionTimestamp))
      if (!isWhole(one) || older.length === 0 || held.length === 0) return
      const { state } = await vouchers.look(name)
      if (state === 'altered' || (state !== 'vouched for' && (await vouchers.any()))) return
      const proven = provenIds(
        held.map((each) => ({ ...each, missing: undefined })),
        await backedObjects(bucket, name).catch(nothingIn),
      )
      for (const { id } of older) if (proven.has(id)) volumes.add(id)
    }),
  )
  return { volumes, snapshots }
}

/** Of a backup that cannot be read nothing is known. */
function nothingIn(error: unknown): BackedObject[] {
  if (error instanceof StoreRefusal) throw error
  return []
}
