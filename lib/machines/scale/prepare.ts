import { cloudTime } from '../../clients/clock.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Kit } from '../../store/kit.ts'
import { notedNames } from '../../store/nodes.ts'
import { countedOn, withoutRepeats, withSuccessors } from './mend.ts'
import { assertAllowed, refusals } from './refusals.ts'
import type { ScaleRequest } from './request.ts'
import { reshape } from './reshape.ts'
import { type Earlier, type Observed, observe, othersThan } from './survey.ts'

/** What a change of shape starts from. */
export interface Scaling {
  /** Machines that a restore replaced and left: they are none of the cluster's. */
  earlier: Earlier
  /** Machines, nodes and pods as they are. */
  before: Observed
  /** The names of all machines that were ever made. */
  noted: ReadonlySet<string>
  /** What is lost, and was accepted by force, one line each. */
  lost: string[]
}

/**
 * Looks at the machines as they are, and writes the wish into the description: `cluster.wanted` is then what is to be.
 * Once more what did not end is no second wish; a machine that was lost gets a successor.
 * @param bucket that of the kit
 * @param force whether something may be lost
 * @throws Problem when the wish cannot be had, or something would be lost and `force` is not set
 */
export async function prepareScale(
  cluster: Cluster,
  { kit, bucket }: { kit: Kit; bucket: Bucket },
  wish: ScaleRequest,
  force: boolean,
): Promise<Scaling> {
  const earlier = await othersThan(wish, bucket)
  const before = await observe(cluster, kit, earlier)
  const noted = await notedNames(bucket)
  const described = countedOn(cluster.wanted, noted)
  const now = cloudTime(cluster.cloud)
  const asked = withoutRepeats(described, wish, before)
  cluster.wanted = await withSuccessors(reshape(described, asked), before, bucket, now)
  return { earlier, before, noted, lost: assertAllowed(refusals(described, cluster.wanted, before), force) }
}
