import type { Cluster } from '../../cluster/cluster.ts'
import type { Buckets } from '../../store/buckets.ts'
import type { Kit } from '../../store/kit.ts'
import { needKit } from '../../store/kit.ts'
import { backedVolumes } from '../backed.ts'
import { bytesIn } from '../bytes.ts'
import { type Chosen, chooseBackup } from '../choose.ts'
import { type BackedObject, backedObjects } from '../objects.ts'
import { toUndelete, type Undeleted } from '../undelete.ts'
import { powerOf } from '../vouch/powerful.ts'
import { vouchersOf } from '../vouch/vouching.ts'
import { clusterAsWitness } from '../vouch/witness.ts'
import type { BackedVolume } from './volumes.ts'

/** The backup that comes back, and all that is read of it before anything is made. */
export interface OpenedBackup {
  /** The cluster whose backup it is, with its buckets, which are only read, and its kit. */
  source: Cluster
  kept: Buckets
  sourceKit: Kit
  /** The bucket as it will be once what was deleted is brought back. */
  past: Undeleted
  backup: Chosen
  /** Its volumes and its objects. */
  backed: readonly BackedVolume[]
  held: readonly BackedObject[]
  /** What in it has power over the cluster, where nobody vouches for it, one line each. */
  power: readonly string[]
}

/** How the backup was asked for. */
interface ChoiceFlags {
  backup: string | undefined
  as: string | undefined
  replace: boolean
  partial: boolean
  undelete: boolean
  'not-vouched': boolean
}

/**
 * Opens the backup that a restore was asked for: whole, and as it was made, or refused with the reason. From here on
 * nothing else is read for it. Asks for the passphrase where the kit has one.
 * @param kept the buckets of the cluster whose backup it is
 */
export async function openBackup(source: Cluster, kept: Buckets, flags: ChoiceFlags): Promise<OpenedBackup> {
  const sourceKit = await needKit(kept, source.name)
  const past = await toUndelete(kept, flags)
  const alive = flags.replace || flags.as ? clusterAsWitness(source, past.seen, sourceKit) : undefined
  const backup = await chooseBackup(past.seen, flags.backup, source, {
    ...flags,
    vouchers: vouchersOf(past.seen, kept.kit, alive),
    vouched: flags.replace && !flags['not-vouched'],
  })
  const { name } = backup.metadata
  const backed = await backedVolumes(backup.bucket, name, bytesIn(backup.bucket, source))
  const held = await backedObjects(backup.bucket, name)
  return { source, kept, sourceKit, past, backup, backed, held, power: await powerOf(backup) }
}
