import type { Cluster } from '../cluster/cluster.ts'
import { isMachineName, names } from '../cluster/names.ts'
import type { Inventory } from '../cluster/ours.ts'
import { doctlHint } from '../hint.ts'
import { Problem } from '../problem.ts'

/**
 * A droplet in the cluster's project, or with its tag, that has no name of regrow's: a machine of the cluster that was
 * renamed would write to the backups beside another; any other is nobody's here to stop or to destroy.
 */
export const strangers = (
  { name, tag }: Pick<Cluster, 'name' | 'tag'>,
  { droplets }: Pick<Inventory, 'droplets'>,
): Problem[] =>
  droplets
    .filter((one) => !isMachineName(name, one.name))
    .map(
      (one) =>
        new Problem(
          `droplet ${one.name} (${one.id}) is in project ${names.project(name)} or has the tag ${tag}, and regrow never gave it that name`,
          {
            cure: `Does it not belong to the cluster? Move it to another project at DigitalOcean, and take the tag off. Was it renamed? Give it its name back: ${doctlHint`compute droplet-action rename ${one.id} --droplet-name NAME`}.`,
          },
        ),
    )
