import { isDryRun } from '../../base/dry-run.ts'
import { again } from '../../base/hint.ts'
import { isMachineName } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import type { Droplet } from '../../clients/digitalocean-types.ts'
import { actUntil } from '../../clients/until-done.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { isOursNow } from '../../cluster/ours.ts'
import { resources } from '../../cluster/resources.ts'

/** Whether a machine, as it is at this moment, is one of the cluster's, under a name such as regrow gives. */
export const isMachineOf = async (cluster: Pick<Cluster, 'cloud' | 'name'>, one: Droplet): Promise<boolean> =>
  isMachineName(cluster.name, one.name) && (await isOursNow(cluster, 'droplets', one))

/**
 * A machine as it is right before it is stopped or deleted: since it was looked at it may have been given away. Undefined
 * where it is gone.
 * @throws Problem where it is not the cluster's any more
 */
export async function assertOurs(
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  id: string,
): Promise<Droplet | undefined> {
  const now = await cluster.cloud.droplet(id)
  if (!now || (await isMachineOf(cluster, now))) return now
  throw new Problem(
    `droplet ${now.name} (${id}) is not of cluster ${cluster.name} any more: it was left as it is`,
    { cure: `Run ${again()}: it shows what there is to do now.` },
  )
}

/**
 * Removes a machine, and waits until it is gone.
 * @param why told behind its name
 * @throws Problem where it is not the cluster's any more
 */
export async function removeDroplet(
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  { id, name }: Pick<Droplet, 'id' | 'name'>,
  why?: string,
): Promise<void> {
  const act = () => resources.droplets.remove(id)
  if (isDryRun()) {
    await act()
    return
  }
  await assertOurs(cluster, id)
  await actUntil(`droplet ${name} is gone`, async () => !(await cluster.cloud.droplet(id)), act)
  tell('-', `droplet ${name}`, why)
}
