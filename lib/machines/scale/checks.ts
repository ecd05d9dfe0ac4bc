import { command } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Inventory } from '../../cluster/ours.ts'
import { strangers } from '../foundation/strangers.ts'
import type { Check } from '../preflight/check.ts'
import { sizeOf } from './reshape.ts'

/**
 * What the machines are to be stands in Git: in another repository they would be described anew.
 * @throws Problem when this one does not describe the cluster
 */
export function isDescribed({ committed, name, place }: Cluster): void {
  if (committed) return
  throw new Problem(`${place.owner}/${place.name} does not describe a cluster “${name}”`, {
    cure: 'Name its repository with --repo OWNER/NAME.',
  })
}

/**
 * A droplet of ours whose name regrow never gave is nobody's to drain or to delete: a person must say what it is. Of two
 * with one name `noTwins` tells which is in use.
 * @param noted names of machines that the kit's bucket has a note of
 */
export const machinesAreKnown =
  (noted: ReadonlySet<string>): Check =>
  async (cluster, own) =>
    strangers(cluster, own, noted)

/** A disk cannot become smaller; a smaller machine keeps the disk that it has, where that fits. */
export async function disksFit({ cloud, wanted }: Cluster, own: Inventory): Promise<Problem[]> {
  const sizes = await cloud.sizes()
  return wanted.nodes.flatMap((node) => {
    const droplet = own.droplets.find((one) => one.name === node.name)
    const size = sizes.find((one) => one.slug === sizeOf(node, wanted))
    if (!droplet?.disk || !size || size.slug === droplet.size_slug || size.disk >= droplet.disk) return []
    return [
      new Problem(
        `${node.name} has a disk of ${droplet.disk} GiB and cannot become ${size.slug}, which has ${size.disk}`,
        {
          cure: `Add a fresh machine, then remove this one: ${command('scale.mts', '--add', '1', '--size', size.slug)} and ${command('scale.mts', '--remove', node.name)}`,
          exitCode: 2,
        },
      ),
    ]
  })
}
