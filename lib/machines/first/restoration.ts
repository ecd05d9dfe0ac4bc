import { z } from 'zod'
import { change } from '../../base/change.ts'
import { isDryRun } from '../../base/dry-run.ts'
import { hint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { cloudTime } from '../../clients/clock.ts'
import { type Bucket, StoreRefusal } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { lockTip } from '../../cluster/lock.ts'
import { ownMachines } from '../../cluster/ours.ts'
import { type Buckets, openBuckets } from '../../store/buckets.ts'
import { readRecord, recordText } from '../../store/records.ts'
import { firstServerName } from './first-server.ts'

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
  volumes: z.array(
    thing.extend({
      gib: z.number(),
      /** A person made it, and not the cluster: it is never deleted. */
      imported: z.literal(true).optional(),
    }),
  ),
  /** Ids of those of them whose content was proven to be back: they go. */
  replaced: z.array(z.string()).optional(),
  /** When it last ended without being proven. */
  unproven: z.string().optional(),
  /** When it was proven. */
  finished: z.string().optional(),
  /** Where the cluster's lock stood then. */
  lock: z.string().optional(),
  /** Whose backup it is, where that is another cluster's: its name and GitOps repository. */
  source: z.object({ name: z.string(), owner: z.string(), repository: z.string() }).optional(),
  /** What the command that finishes it needs beside the backup's name, such as `--with-apps`. */
  words: z.array(z.string()).optional(),
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
  return readRecord(kit, keyOf(server), restoration)
}

/** Records that a restore begins, under the name that the server has by now; one that goes on keeps its record. */
export async function beginRestoration(cluster: Cluster, { kit }: Buckets, course: Course): Promise<void> {
  course.server = firstServerName(cluster)
  if (!isDryRun() && !(await readRestoration(kit, course.server))) await writeRestoration(kit, course)
}

/**
 * Records that a restore was proven, and under which hold of the lock: until that ends, what it replaced may be left.
 * @param provenVolumes ids, at DigitalOcean, of the earlier volumes whose content was proven to be back
 */
export async function finishRestoration(
  { cloud, github, place }: Cluster,
  { kit }: Buckets,
  course: Course,
  provenVolumes: ReadonlySet<string>,
): Promise<void> {
  if (course.finished) return
  const lock = await lockTip(github, place)
  const finished = cloudTime(cloud).toISOString()
  const replaced = course.volumes.map(({ id }) => id).filter((id) => provenVolumes.has(id))
  await writeRestoration(kit, { ...course, replaced, finished, ...(lock ? { lock } : {}) })
}

/** Records that a restore ended without being proven: from now on it may be given up for a new one of the same backup. */
export async function noteUnproven({ cloud }: Cluster, { kit }: Buckets, course: Course): Promise<void> {
  if (!course.finished) await writeRestoration(kit, { ...course, unproven: cloudTime(cloud).toISOString() })
}

/**
 * Every restore that was ever begun onto a server of the cluster, the newest last.
 * @param unread whoever changes nothing passes over those that cannot be read, and hears of each in one line
 * @throws Problem naming one that cannot be read: it may be one that is not finished
 */
export async function restorations(kit: Bucket, unread?: Set<string>): Promise<Restoration[]> {
  const records = (await kit.list('nodes/')).filter(({ key }) => key.endsWith('/restore.json'))
  const found = await Promise.all(
    records.map(({ key }) =>
      readRecord(kit, key, restoration).catch((error: unknown) => {
        if (!unread || !(error instanceof Problem) || error instanceof StoreRefusal) throw error
        unread.add(`${error.message}. ${error.cure ?? ''}`.trim())
      }),
    ),
  )
  const numberOf = ({ server }: Restoration) => Number(/\d+$/.exec(server)?.[0] ?? 0)
  return found
    .filter((one) => one !== undefined)
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at) || numberOf(a) - numberOf(b))
}

/** Machines of clusters that were replaced: where one is still there, nothing else takes it for one of its own. */
export const earlierMachines = async (kit: Bucket): Promise<Restoration['droplets']> =>
  (await restorations(kit)).flatMap(({ droplets }) => droplets)

/** What of a cluster is there, as far as an unfinished restore can be found in it. */
export interface Remains {
  droplets: readonly { id: string; name: string }[]
  volumes: readonly { id: string }[]
}

/**
 * The restore that is not finished, if there is one: the newest that was not proven since the last that was, whichever
 * server it comes back onto, while anything of it is there, or its server is the one that is described.
 */
export function underWay(
  all: readonly Restoration[],
  { droplets, volumes }: Remains,
  first: string,
): Restoration | undefined {
  const among = (list: readonly { id: string }[]) => (one: { id: string }) =>
    list.some(({ id }) => id === one.id)
  return all
    .slice(all.findLastIndex((one) => one.finished) + 1)
    .findLast(
      (one) =>
        one.server === first ||
        droplets.some(({ name }) => name === one.server) ||
        one.droplets.some(among(droplets)) ||
        one.volumes.some(among(volumes)),
    )
}

/** The restore of a cluster that is not finished, and what of the cluster is there. */
export interface Unfinished {
  begun: Restoration
  own: Remains
}

/**
 * Looks for a restore that is not finished.
 * @param kit the bucket of the kit; without one there is none
 * @param unread whoever changes nothing passes over those that cannot be read, and hears of each in one line
 */
export async function unfinishedRestore(
  cluster: Cluster,
  kit: Bucket | undefined,
  unread?: Set<string>,
): Promise<Unfinished | undefined> {
  const all = kit ? await restorations(kit, unread) : []
  // Most often there is none, and nothing more is asked for.
  if (all.length === 0 || all.at(-1)?.finished) return undefined
  const [{ droplets }, volumes] = await Promise.all([
    ownMachines(cluster.cloud, cluster.name),
    cluster.cloud.volumes(),
  ])
  const own = { droplets, volumes }
  const begun = underWay(all, own, firstServerName(cluster))
  return begun && { begun, own }
}

/**
 * The rule: what is part of an unfinished restore is touched by that restore alone. Its earlier machines may hold the
 * only copy of what was written last, and on its server apps would start on data that is not there yet.
 * @param otherwise what to do where it is not to be finished
 * @throws Problem naming the command that finishes the restore
 */
export async function assertNoRestore(
  cluster: Cluster,
  kit: Bucket | undefined,
  otherwise?: string,
): Promise<void> {
  const found = await unfinishedRestore(cluster, kit)
  if (found) throw refusal(cluster, found, otherwise)
}

export function refusal(cluster: Cluster, found: Unfinished, otherwise?: string): Problem {
  const { begun } = found
  const kept = machinesKept(found)
  const only = kept.length > 0 ? `; ${kept.join(', ')} may hold the only copy of what was written last` : ''
  return new Problem(`backup ${begun.backup} is still being restored onto ${begun.server}${only}`, {
    cure: [`${finishing(cluster, found)} finishes it.`, otherwise].filter(Boolean).join(' '),
  })
}

/** Names of the earlier machines that an unfinished restore keeps, off, until its end. */
export const machinesKept = ({ begun, own }: Unfinished): string[] =>
  own.droplets.filter(({ id }) => begun.droplets.some((one) => one.id === id)).map(({ name }) => name)

/** What is lost when the machines of an unfinished restore go. */
export function lostWith(found: Unfinished): string {
  const { backup, server } = found.begun
  const kept = machinesKept(found)
  const only = kept.length > 0 ? `, and with ${kept.join(', ')} what was written after that backup` : ''
  return `lost: the unfinished restore of backup ${backup} onto ${server}${only}`
}

/** The command that finishes a restore. */
export function finishing(cluster: Cluster, { begun, own }: Unfinished): string {
  const isMade = own.droplets.some(({ name }) => name === begun.server)
  const isAlive = own.droplets.some(({ id }) => begun.droplets.some((one) => one.id === id))
  const { source } = begun
  const of = source && {
    ...cluster,
    name: source.name,
    place: { owner: source.owner, name: source.repository },
  }
  return hint(
    'restore.mts',
    of ?? cluster,
    '--backup',
    begun.backup,
    ...(of ? ['--as', cluster.name] : []),
    // Where its server is there it goes on without; once it is proven, it would replace once more.
    ...(isAlive && !isMade ? ['--replace'] : []),
    ...(begun.words ?? []),
  )
}

/** The command that gives up a restore that was not proven, and brings the same backup back onto a new server. */
export const givingUp = (cluster: Cluster, { backup, words = [] }: Restoration): string =>
  hint('restore.mts', cluster, '--backup', backup, '--replace', '--unfinished', ...words)

/** Forgets a restore that was given up, together with its machines. */
export async function forgetRestorations(cluster: Cluster): Promise<void> {
  const kit = (await openBuckets(cluster, 'readwrite'))?.kit
  if (!kit) return
  for (const { server, finished } of await restorations(kit))
    if (!finished)
      await change(`aws s3 rm s3://${kit.name}/${keyOf(server)}`, () => kit.remove(keyOf(server)))
}

/** Writes the record of a restore as this run knows it. */
export async function writeRestoration(kit: Bucket, course: Course): Promise<void> {
  const key = keyOf(course.server)
  await change(`aws s3 cp - s3://${kit.name}/${key}`, () =>
    kit.put(key, recordText(restoration.parse(course)), { type: 'application/json' }),
  )
}
