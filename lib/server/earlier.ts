import type { Cluster } from '../cluster/cluster.ts'
import { dollars, prices } from '../cluster/prices.ts'
import { isDryRun } from '../dry-run.ts'
import { tell } from '../story.ts'
import { doctl } from '../tools.ts'
import { type Restoration, replacedVolumes } from './restoration.ts'
import { untilDone } from './revive.ts'

/**
 * Powers the earlier cluster's droplets off, hard: from then on one cluster writes to the backups. They stay, on the
 * bill and with their volumes, until the new cluster is proven.
 */
export async function powerOffEarlier(cluster: Cluster, { droplets }: Restoration): Promise<void> {
  for (const { id, name } of droplets) {
    const isOff = async () => ((await cluster.cloud.droplet(id))?.status ?? 'off') === 'off'
    const act = () => doctl`compute droplet-action power-off ${id}`
    if (isDryRun()) await act()
    else if (!(await isOff())) {
      await untilDone(`droplet ${name} is off`, isOff, act)
      tell('~', `droplet ${name}`, 'powered off; it stays until the new one is proven')
    }
  }
}

/**
 * Destroys what was replaced, once the new cluster is proven: its droplets, and those of its volumes that came back
 * from the backup. A volume that no backup holds is the only copy of what is on it, so it stays.
 * @param proven the volumes that came back
 * @returns the volumes that stay, one line each with what it costs
 */
export async function removeEarlier(
  cluster: Cluster,
  course: Restoration,
  proven: readonly { volume: string }[],
): Promise<string[]> {
  for (const { id, name } of course.droplets) {
    const isGone = async () => !(await cluster.cloud.droplet(id))
    if (await isGone()) continue
    await untilDone(`droplet ${name} is gone`, isGone, () => doctl`compute droplet delete ${id} --force`)
    tell('-', `droplet ${name}`, 'replaced')
  }
  const left = new Set((await cluster.cloud.volumes()).map((one) => one.id))
  const there = course.volumes.filter((one) => left.has(one.id))
  const replaced = replacedVolumes(course, proven).filter((one) => there.includes(one))
  for (const { id, name } of replaced) {
    const isGone = async () => !(await cluster.cloud.volumes()).some((one) => one.id === id)
    await untilDone(`volume ${name} is gone`, isGone, () => doctl`compute volume delete ${id} --force`)
    tell('-', `volume ${name}`, 'its content is back on another')
  }
  return there
    .filter((one) => !replaced.includes(one))
    .map(
      ({ name, gib }) =>
        `volume ${name} of the earlier cluster, ${gib} GiB, ${dollars(gib * prices.volumeGib)} a month`,
    )
}
