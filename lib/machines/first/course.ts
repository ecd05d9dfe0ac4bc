import { isDryRun } from '../../base/dry-run.ts'
import { isMachineName } from '../../base/names.ts'
import { tell } from '../../base/story.ts'
import { cloudTime } from '../../clients/clock.ts'
import type { Volume } from '../../clients/digitalocean-types.ts'
import { lately } from '../../clients/lately.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { wasReleasedSince } from '../../cluster/lock.ts'
import { type Inventory, inventory } from '../../cluster/ours.ts'
import type { Buckets } from '../../store/buckets.ts'
import { readNote } from '../../store/nodes.ts'
import { firstServerName } from './first-server.ts'
import {
  type Course,
  type Restoration,
  readRestoration,
  refusal,
  restorations,
  underWay,
  writeRestoration,
} from './restoration.ts'
import { everReported, renumbered, takeNextNumber } from './revive.ts'

/** How a restore is asked for. */
export interface Asked {
  /** Brings a backup back once more, even where it was brought back before. */
  again: boolean
  /**
   * Gives up an unfinished restore of another backup, or one of this backup that ended without being proven; its machines
   * stay until this one is proven.
   */
  instead?: boolean
  /** The cluster whose backup it is. */
  source?: Cluster
  /** What the command that finishes it needs beside the backup's name. */
  words?: string[]
  /** Ids, at DigitalOcean, of the volumes that the backup knows: one that a person made carries no tag. */
  known?: readonly string[]
}

/**
 * Decides onto which server a backup comes back. One that was begun and is not over goes on; otherwise the wish gets a
 * server under a number that was never used, so that the earlier one is never written to, and so do the machines
 * beside it: what is planned, counted and committed is the shape that will be.
 * @throws Problem while the restore of another backup is not finished
 */
export async function setCourse(
  cluster: Cluster,
  buckets: Buckets | undefined,
  backup: string,
  asked: Asked,
): Promise<Course> {
  const own = await inventory(lately(cluster.cloud), cluster.name)
  const begun = buckets && underWay(await restorations(buckets.kit), own, firstServerName(cluster))
  if (begun && begun.backup !== backup && !asked.instead)
    throw refusal(cluster, { begun, own }, '--unfinished gives it up for this one.')
  const course = await onto(cluster, buckets, own, backup, asked)
  await renumberOthers(cluster, own, course, buckets?.kit)
  return course
}

async function onto(
  cluster: Cluster,
  buckets: Buckets | undefined,
  own: Inventory,
  backup: string,
  asked: Asked,
): Promise<Course> {
  let before: string | undefined
  // More than once only where an earlier restore could not write into Git that it took the next number.
  for (;;) {
    const server = firstServerName(cluster)
    const isThere = own.droplets.some((one) => one.name === server)
    const begun = buckets && (await readRestoration(buckets.kit, server))
    if (isThere && begun?.backup === backup && !(await isGivenUp(cluster, begun, own, asked)))
      return { ...begun, begun: true }
    before = begun?.address ?? (buckets && (await readNote(buckets.kit, server))?.address) ?? before
    if (!isThere && !(buckets && (await everReported(buckets.kit, server))))
      return newCourse(cluster, own, backup, before, asked)
    takeNextNumber(cluster)
  }
}

/** Machines beside the first server get the next numbers, where theirs are those of machines that are to go or are gone. */
async function renumberOthers(
  cluster: Cluster,
  { droplets }: Inventory,
  course: Course,
  kit: Bucket | undefined,
): Promise<void> {
  const stays = droplets.filter(({ id }) => !course.droplets.some((one) => one.id === id))
  for (const { name } of cluster.wanted.nodes.slice(1)) {
    if (stays.some((one) => one.name === name)) continue
    const isUsed = droplets.some((one) => one.name === name) || (kit && (await everReported(kit, name)))
    if (isUsed) cluster.wanted = renumbered(cluster.wanted, name)
  }
}

/** Whether a restore that was begun does not go on, and a new one takes its place. */
async function isGivenUp(
  cluster: Cluster,
  begun: Restoration,
  own: Inventory,
  { again, instead }: Asked,
): Promise<boolean> {
  if (instead && begun.unproven !== undefined && !begun.finished) return true
  return again && (await isOver(cluster, begun, own))
}

/**
 * Whether all that a restore was to do is done, the removal of what it replaced and the end of its run included. Where
 * its run was killed before, the same command finishes that, and no further server is bought.
 */
async function isOver({ github, place }: Cluster, begun: Restoration, own: Inventory): Promise<boolean> {
  const isThere = (list: readonly { id: string }[]) => (one: { id: string }) =>
    list.some(({ id }) => id === one.id)
  if (!begun.finished) return false
  if (begun.droplets.some(isThere(own.droplets))) return false
  if (own.volumes.some(({ id }) => begun.replaced?.includes(id))) return false
  return begun.lock === undefined || wasReleasedSince(github, place, begun.lock)
}

async function newCourse(
  cluster: Cluster,
  own: Inventory,
  backup: string,
  before: string | undefined,
  { source = cluster, words = [], known = [] }: Asked,
): Promise<Course> {
  const address = own.reservedIps[0]?.ip ?? before
  return {
    begun: false,
    backup,
    server: firstServerName(cluster),
    at: cloudTime(cluster.cloud).toISOString(),
    ...(address ? { address } : {}),
    // What lies in the cluster's project under another name is somebody else's.
    droplets: own.droplets
      .filter(({ name }) => isMachineName(cluster.name, name))
      .map(({ id, name }) => ({ id, name })),
    // Beside the original these are the original's.
    volumes: await volumesOf(cluster, own, source === cluster ? known : []),
    words,
    ...(source === cluster
      ? {}
      : { source: { name: source.name, owner: source.place.owner, repository: source.place.name } }),
  }
}

/**
 * Records the volumes that the earlier cluster made since it was looked at, now that it is off: nothing else knows of them,
 * and what is on them is in no backup.
 */
export async function recordLateVolumes(cluster: Cluster, { kit }: Buckets, course: Course): Promise<void> {
  if (isDryRun() || course.droplets.length === 0) return
  const own = await inventory(cluster.cloud, cluster.name)
  // Since the new server is there, volumes may be its own.
  if (own.droplets.some(({ name }) => name === course.server)) return
  const known = new Set(course.volumes.map(({ id }) => id))
  const late = (await volumesOf(cluster, own, [])).filter(({ id }) => !known.has(id))
  if (late.length === 0) return
  course.volumes.push(...late)
  await writeRestoration(kit, course)
  for (const { name } of late) tell('·', `volume ${name}`, 'made meanwhile: it stays')
}

/**
 * The cluster's volumes, and those that a person made: plugged into its machines, or left where the machine is gone. The tag
 * is on none of these.
 */
async function volumesOf(
  { cloud }: Cluster,
  { volumes, droplets }: Inventory,
  known: readonly string[],
): Promise<Restoration['volumes']> {
  const plugged = new Set(droplets.flatMap((one) => one.volume_ids))
  const isOwn = ({ id }: Volume) => volumes.some((one) => one.id === id)
  const isLeft = ({ id, droplet_ids: at = [] }: Volume) => known.includes(id) && (at ?? []).length === 0
  const all = known.length > 0 || plugged.size > 0 ? await cloud.volumes() : []
  const more = all.filter((one) => !isOwn(one) && (plugged.has(one.id) || isLeft(one)))
  const inRecord = ({ id, name, size_gigabytes: gib }: Volume) => ({ id, name, gib })
  return [...volumes.map(inRecord), ...more.map((one) => ({ ...inRecord(one), imported: true as const }))]
}
