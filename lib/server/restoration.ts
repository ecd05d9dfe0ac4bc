import { z } from 'zod'
import { change } from '../change.ts'
import { cloudTime } from '../clients/clock.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { lockTip, wasReleasedSince } from '../cluster/lock.ts'
import { type Inventory, inventory } from '../cluster/ours.ts'
import { isDryRun } from '../dry-run.ts'
import { hint } from '../hint.ts'
import { Problem } from '../problem.ts'
import type { Buckets } from '../store/buckets.ts'
import { readNote } from '../store/nodes.ts'
import { firstServerName } from './first-server.ts'
import { everReported, takeNextNumber } from './revive.ts'

const thing = z.object({ id: z.string(), name: z.string() })

/**
 * A restore that was begun: which backup comes back onto which server, and what of an earlier cluster was there then.
 * It lies beside the server's other records in the kit's bucket, so that a run that was killed is finished by the next.
 */
const restoration = z.object({
  backup: z.string(),
  server: z.string(),
  at: z.string(),
  /** The address before; what DNS may still say. */
  address: z.string().optional(),
  /** Droplets of the earlier cluster: off while this goes on, destroyed once it is proven. */
  droplets: z.array(thing),
  /** Volumes of the earlier cluster. */
  volumes: z.array(thing.extend({ gib: z.number() })),
  /** When it was proven. */
  finished: z.string().optional(),
  /** Where the cluster's lock stood then. */
  lock: z.string().optional(),
})
export type Restoration = z.infer<typeof restoration>

/** A restore as this run takes part in it. */
export interface Course extends Restoration {
  /** It was begun by an earlier run. */
  begun: boolean
}

const keyOf = (server: string) => `nodes/${server}/restore.json`

/** The restore that was begun onto a server, if one was. */
export async function readRestoration(kit: Bucket, server: string): Promise<Restoration | undefined> {
  const bytes = await kit.get(keyOf(server))
  return bytes && restoration.parse(JSON.parse(Buffer.from(bytes).toString()))
}

/**
 * Decides onto which server a backup comes back. One that was begun and is not over goes on; otherwise the wish gets a
 * server under a number that was never used, so that the earlier one is never written to.
 * @param again brings a backup back once more, even where it was brought back before
 * @param backed the volumes that the backup holds
 */
export async function setCourse(
  cluster: Cluster,
  buckets: Buckets | undefined,
  backup: string,
  { again, backed }: { again: boolean; backed: readonly Backed[] },
): Promise<Course> {
  const own = await inventory(cluster.cloud, cluster.name)
  let before: string | undefined
  // More than once only where an earlier restore could not write into Git that it took the next number.
  for (;;) {
    const server = firstServerName(cluster)
    const isThere = own.droplets.some((one) => one.name === server)
    const begun = buckets && (await readRestoration(buckets.kit, server))
    if (isThere && begun?.backup === backup && !(again && (await isOver(cluster, begun, own, backed))))
      return { ...begun, begun: true }
    before = begun?.address ?? (buckets && (await readNote(buckets.kit, server))?.address) ?? before
    if (!isThere && !(buckets && (await everReported(buckets.kit, server))))
      return newCourse(cluster, own, backup, before)
    takeNextNumber(cluster, isThere ? 'it is to be replaced' : 'it is gone')
  }
}

/**
 * Whether all that a restore was to do is done, the removal of what it replaced and the end of its run included. Where
 * its run was killed before, the same command finishes that, and no further server is bought.
 */
async function isOver(
  { github, place }: Cluster,
  begun: Restoration,
  own: Inventory,
  backed: readonly Backed[],
): Promise<boolean> {
  const isThere = (list: readonly { id: string }[]) => (one: { id: string }) =>
    list.some(({ id }) => id === one.id)
  if (!begun.finished) return false
  if (begun.droplets.some(isThere(own.droplets))) return false
  if (replacedVolumes(begun, backed).some(isThere(own.volumes))) return false
  return begun.lock === undefined || wasReleasedSince(github, place, begun.lock)
}

/** A volume as a backup names it. */
type Backed = { volume: string }

/**
 * The earlier cluster's volumes that go with it, because their content came back: where there was no droplet, nothing
 * was replaced.
 */
export const replacedVolumes = (
  { droplets, volumes }: Restoration,
  backed: readonly Backed[],
): Restoration['volumes'] =>
  volumes.filter((one) => droplets.length > 0 && backed.some(({ volume }) => volume === one.name))

function newCourse(cluster: Cluster, own: Inventory, backup: string, before: string | undefined): Course {
  const address = own.reservedIps[0]?.ip ?? before
  return {
    begun: false,
    backup,
    server: firstServerName(cluster),
    at: cloudTime(cluster.cloud).toISOString(),
    ...(address ? { address } : {}),
    droplets: own.droplets.map(({ id, name }) => ({ id, name })),
    volumes: own.volumes.map(({ id, name, size_gigabytes: gib }) => ({ id, name, gib })),
  }
}

/** Records that a restore begins, under the name that the server has by now; one that goes on keeps its record. */
export async function beginRestoration(cluster: Cluster, { kit }: Buckets, course: Course): Promise<void> {
  course.server = firstServerName(cluster)
  if (!isDryRun() && !(await readRestoration(kit, course.server))) await write(kit, course)
}

/** Records that a restore was proven, and under which hold of the lock: until that ends, what it replaced may be left. */
export async function finishRestoration(
  { cloud, github, place }: Cluster,
  { kit }: Buckets,
  course: Course,
): Promise<void> {
  if (course.finished) return
  const lock = await lockTip(github, place)
  const finished = cloudTime(cloud).toISOString()
  await write(kit, { ...course, finished, ...(lock ? { lock } : {}) })
}

/** Refuses to grow a server on whose data a restore is at work: apps would start on what is not there yet. */
export async function noRestoreUnderWay(cluster: Cluster, { kit }: Buckets): Promise<void> {
  const server = firstServerName(cluster)
  const begun = await readRestoration(kit, server)
  if (!begun || begun.finished) return
  throw new Problem(`backup ${begun.backup} is being brought back onto ${server}, and that is not finished`, {
    cure: `${hint('restore.mts', cluster, '--backup', begun.backup)} finishes it.`,
  })
}

async function write(kit: Bucket, course: Course): Promise<void> {
  const key = keyOf(course.server)
  await change(`aws s3 cp - s3://${kit.name}/${key}`, () =>
    kit.put(key, JSON.stringify(restoration.parse(course)), { type: 'application/json' }),
  )
}
