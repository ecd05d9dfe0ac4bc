import { isDryRun } from '../../base/dry-run.ts'
import { doctlHint, hint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import type { Droplet, Size, Volume } from '../../clients/digitalocean-types.ts'
import { doctl } from '../../clients/tools.ts'
import { actUntil } from '../../clients/until-done.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type Inventory, isOursNow } from '../../cluster/ours.ts'
import { dollars, prices } from '../../cluster/prices.ts'
import { resources } from '../../cluster/resources.ts'
import { isMachineOf } from '../foundation/still-ours.ts'
import type { Restoration } from './restoration.ts'

/**
 * Powers the earlier cluster's droplets off, hard: from then on one cluster writes to the backups. They stay, on the
 * bill and with their volumes, until the new cluster is proven.
 */
export async function powerOffEarlier(cluster: Cluster, course: Restoration): Promise<void> {
  // Before the first is off: where one is not the cluster's, none is touched.
  await Promise.all(course.droplets.map((one) => earlierMachine(cluster, course, one)))
  for (const noted of course.droplets) {
    // Those before it took their time.
    const one = await earlierMachine(cluster, course, noted)
    if (!one) continue
    const { id, name } = one
    const isOff = async () => ((await cluster.cloud.droplet(id))?.status ?? 'off') === 'off'
    const act = () => doctl`compute droplet-action power-off ${id}`
    if (isDryRun()) await act()
    else if (!(await isOff())) {
      await actUntil(`droplet ${name} is off`, isOff, act)
      tell('~', `droplet ${name}`, 'powered off; it stays until the new one is proven')
    }
  }
}

/**
 * A machine of the earlier cluster as it is now, if it is there. That its id is noted is a hint only: it must be the
 * cluster's, under a name that regrow gives, and none that is described now.
 * @throws Problem where it is not
 */
async function earlierMachine(
  cluster: Cluster,
  { server }: Restoration,
  { id }: { id: string },
): Promise<Droplet | undefined> {
  const now = await cluster.cloud.droplet(id)
  if (!now) return undefined
  const isNow = now.name === server || cluster.wanted.nodes.some(({ name }) => name === now.name)
  const isIts = await isMachineOf(cluster, now)
  if (isIts && !isNow) return now
  throw new Problem(
    `droplet ${now.name} (${id}) is noted as one of the earlier cluster ${cluster.name}, and ${isIts ? 'is a machine of the new one' : 'is none of its machines'}`,
    {
      cure: `Nothing was done to it. Somebody changed the note of this restore, nodes/${server}/restore.json in the kit’s bucket, or the machine’s name, tag or project: find out who.`,
    },
  )
}

/**
 * What becomes of the earlier cluster, for the plan: a line for each machine and volume that is there, with its price,
 * and what both clusters cost together until it is gone.
 * @param isVouched somebody vouches for the backup: otherwise its proof proves nothing about them, and all of it stays
 */
export function earlierLines(
  own: Pick<Inventory, 'droplets' | 'volumes'>,
  { server, droplets, volumes: all, finished }: Restoration,
  sizes: readonly Size[],
  isVouched = true,
): string[] {
  const volumes = all.filter(({ id }) => !finished || own.volumes.some((one) => one.id === id))
  const there = own.droplets.filter(({ id }) => droplets.some((one) => one.id === id))
  const price = (one: Droplet) => resources.droplets.perMonth(one, sizes)
  const once = !isVouched ? 'stays' : finished ? 'destroyed' : `destroyed once ${server} is proven`
  const goes = (one: Restoration['volumes'][number]) => isVouched && droplets.length > 0 && !one.imported
  const machines = there.map(
    (one) =>
      `  ${isVouched ? '-' : '='} droplet ${one.name}, ${dollars(price(one))}: ${one.status === 'off' ? 'off' : 'powered off now'}, ${once}`,
  )
  const disk = ({ name, gib }: Restoration['volumes'][number]) =>
    `volume ${name}, ${gib} GiB, ${dollars(gib * prices.volumeGib)}`
  const going = volumes.filter(goes).map((one) => `  - ${disk(one)}`)
  const disks = [
    ...going,
    ...(going.length > 0
      ? [`    ${going.length > 1 ? 'each ' : ''}destroyed once its content is proven on another`]
      : []),
    ...volumes.filter((one) => !goes(one)).map((one) => `  = ${disk(one)}: stays`),
  ]
  const both =
    there.reduce((sum, one) => sum + price(one), 0) +
    volumes.reduce((sum, { gib }) => sum + gib * prices.volumeGib, 0)
  return [
    ...machines,
    ...disks,
    ...(both > 0 ? [`  ! until these are gone, ${dollars(both)} a month more`] : []),
  ]
}

/** What a proof allows to be removed. */
export interface Removable {
  /** Ids, at DigitalOcean, of the earlier volumes whose content was proven to be back. */
  provenVolumes: ReadonlySet<string>
  /** The verdict is PROVEN: until then nothing is to be removed, by a person neither. */
  proven: boolean
  /** The verdict is PROVEN, and what is not restored was accepted: the earlier machines may go. */
  mayRemove: boolean
  /** What came back. */
  of: { completed: string | undefined; volumes: number }
}

/**
 * Destroys what was replaced, where the proof allows it: the earlier cluster's droplets, and those of its volumes whose
 * content was proven to be back. Anything else may be the only copy of what is on it, so it stays; so does a volume that
 * a person had made, and not the cluster, or that is younger than the backup; and so do the machines of a cluster with
 * volumes whose backup has none.
 * @returns what stays, one line each: what it costs, and once this is proven the command that removes it
 */
export async function removeEarlier(
  cluster: Cluster,
  course: Restoration,
  { provenVolumes, proven, mayRemove, of }: Removable,
): Promise<string[]> {
  const { cloud } = cluster
  const machines: string[] = []
  const lacksAll = of.volumes === 0 && course.volumes.length > 0
  for (const noted of course.droplets) {
    const now = await earlierMachine(cluster, course, noted)
    if (!now) continue
    const { id, name } = now
    const isGone = async () => !(await cloud.droplet(id))
    // Powered on by somebody since: what it wrote then is nowhere else.
    const isOn = now.status === 'active'
    if (!mayRemove || lacksAll || isOn) {
      machines.push(await droplet(cluster, id, name, proven))
      continue
    }
    await actUntil(`droplet ${name} is gone`, isGone, () => resources.droplets.remove(id))
    tell('-', `droplet ${name}`, 'replaced')
  }
  const left = new Map((await cloud.volumes()).map((one) => [one.id, one]))
  const there = course.volumes.flatMap((one) => {
    const now = left.get(one.id)
    return now ? [{ ...one, name: now.name, gib: now.size_gigabytes }] : []
  })
  const young = new Set([...left.values()].filter((one) => !isOlder(one, of.completed)).map((one) => one.id))
  // A volume of a machine that stays belongs to it; where there was no machine, nothing was replaced.
  const mayGo = mayRemove && course.droplets.length > 0 && machines.length === 0
  const goes = mayGo
    ? there.filter(({ id, imported }) => provenVolumes.has(id) && !imported && !young.has(id))
    : []
  const gone = new Set<string>()
  for (const { id, name } of goes) {
    const now = (await cloud.volumes()).find((one) => one.id === id)
    if (now && !(await isOursNow(cluster, 'volumes', now))) continue
    gone.add(id)
    if (!now) continue
    const isGone = async () => !(await cloud.volumes()).some((one) => one.id === id)
    await actUntil(`volume ${name} is gone`, isGone, () => resources.volumes.remove(id))
    tell('-', `volume ${name}`, 'proven on another')
  }
  return [...machines, ...there.filter(({ id }) => !gone.has(id)).map((one) => volume(one, proven))]
}

/** Whether a volume was there when a backup ended: no other can be in it. Times are RFC 3339; one that is not told is no proof. */
export const isOlder = ({ created_at: made = '' }: Pick<Volume, 'created_at'>, completed = ''): boolean =>
  Date.parse(made) <= Date.parse(completed)

const kept = 'kept until this restore is proven'

async function droplet(cluster: Cluster, id: string, name: string, proven: boolean): Promise<string> {
  const [now, sizes] = await Promise.all([cluster.cloud.droplet(id), cluster.cloud.sizes()])
  const price = sizes.find(({ slug }) => slug === now?.size_slug)?.price_monthly ?? 0
  if (now?.status === 'active')
    return `droplet ${name} of the earlier cluster, ${dollars(price)} a month: it was powered on again meanwhile, and may hold the only copy of what was written there since`
  const remove = hint('scale.mts', cluster, '--remove', name)
  return `droplet ${name} of the earlier cluster, ${now?.status ?? 'off'}, ${dollars(price)} a month: ${proven ? `${remove} removes it` : kept}`
}

const volume = ({ id, name, gib }: Restoration['volumes'][number], proven: boolean) =>
  `volume ${name} of the earlier cluster, ${gib} GiB, ${dollars(gib * prices.volumeGib)} a month: ${proven ? `${doctlHint`compute volume delete ${id}`} removes it` : kept}`
