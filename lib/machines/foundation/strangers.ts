import { doctlHint } from '../../base/hint.ts'
import { isMachineName, names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { wasGiven } from '../../cluster/description.ts'
import type { Inventory } from '../../cluster/ours.ts'

type Knowing = Pick<Cluster, 'name' | 'wanted' | 'committed'>

/**
 * Whether regrow gave a machine its name: the kit's bucket notes each before it is made. Where that tells of none, the
 * description counts the names that were given; others may write to it, so its count says nothing against the notes. Where
 * neither can be read, it is one such as regrow gives.
 * @param noted names of machines that the kit's bucket has a note of
 */
export function isGiven(
  { name: cluster, wanted, committed }: Knowing,
  name: string,
  noted: ReadonlySet<string> = new Set(),
): boolean {
  if (!isMachineName(cluster, name)) return false
  return noted.size > 0 ? noted.has(name) : !committed || wasGiven(wanted, name)
}

/**
 * A droplet in the cluster's project, or with its tag, that has no name of regrow's: a machine of the cluster that was
 * renamed would write to the backups beside another; any other is nobody's here to stop or to destroy.
 * @param noted names of machines that the kit's bucket has a note of
 */
export const strangers = (
  cluster: Knowing & Pick<Cluster, 'tag'>,
  { droplets }: Pick<Inventory, 'droplets'>,
  noted?: ReadonlySet<string>,
): Problem[] =>
  droplets
    .filter((one) => !isGiven(cluster, one.name, noted))
    .map(
      (one) =>
        new Problem(
          `droplet ${one.name} (${one.id}) is in project ${names.project(cluster.name)} or has the tag ${cluster.tag}, and regrow never gave it that name`,
          {
            cure: `Does it not belong to the cluster? Move it to another project at DigitalOcean, and take the tag off. Was it renamed? Give it its name back: ${doctlHint`compute droplet-action rename ${one.id} --droplet-name ${nameOf(cluster, droplets)}`}.`,
          },
        ),
    )

/** The name that a renamed machine had: the one that is described and that no machine has. */
function nameOf({ committed, wanted }: Knowing, droplets: Inventory['droplets']): string {
  const names = (committed ?? wanted).nodes.map((node) => node.name)
  const [name, ...more] = names.filter((one) => !droplets.some((droplet) => droplet.name === one))
  return name === undefined || more.length > 0 ? 'NAME' : name
}
