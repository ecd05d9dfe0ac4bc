import { type Copies, copiesIn } from '../../backup/copies.ts'
import type { Shown } from '../../base/confirm.ts'
import { again } from '../../base/hint.ts'
import { Problem, Problems } from '../../base/problem.ts'
import type { Field, Outcome } from '../../base/result.ts'
import type { Size, Vpc } from '../../clients/digitalocean-types.ts'
import { bucketPlaces, type Cluster } from '../../cluster/cluster.ts'
import { type Inventory, inventory, type Things, type Told, told } from '../../cluster/ours.ts'
import { dollars, prices } from '../../cluster/prices.ts'
import { kinds, resources, steps } from '../../cluster/resources.ts'
import { sealedSecretsInGit, sealedText } from '../../gitops/sealed.ts'
import { lostWith, type Unfinished } from '../../machines/first/restoration.ts'
import { strangers } from '../../machines/foundation/strangers.ts'
import type { Buckets } from '../../store/buckets.ts'
import { missingBuckets } from '../../store/existence.ts'
import { notedNames } from '../../store/nodes.ts'
import { type Line, leftInProject, personsThings } from './persons.ts'

/** What stays: the only copy of something, or what regrow did not make; and what is known of the rest. */
export interface Kept {
  /** Ids and addresses of what stays; the project's, where something that stays lies in it. */
  ids: ReadonlySet<string>
  /** Names of machines that the kit's bucket has a note of: regrow gave them. */
  noted: ReadonlySet<string>
  /** Everything that was looked at, by its id or address: what came since was not shown. */
  seen: Readonly<Record<string, string>>
}

/** What destroying a cluster removes and keeps, each with what it costs a month in dollars. */
export interface Removal extends Shown {
  removed: string[]
  kept: string[]
  /** What must not be removed at DigitalOcean. */
  keep: Kept
  /** Names of the buckets that go: of backups, and of the kit. */
  buckets: { velero?: string; kit?: string }
}

/**
 * Decides what stays as the only copy of something: volumes that no whole backup that is vouched for holds,
 * and snapshots. A backup stands on
 * one, or nothing else has that moment: a person made it, or Velero left it.
 */
export function toKeep(
  own: Pick<Inventory, 'volumes' | 'snapshots'>,
  { volumes: held }: Pick<Copies, 'volumes'>,
): { volumes: ReadonlySet<string>; snapshots: ReadonlySet<string> } {
  const volumes = own.volumes.filter((one) => !held.has(one.id))
  return {
    volumes: new Set(volumes.map((one) => one.id)),
    snapshots: new Set(own.snapshots.map((one) => one.id)),
  }
}

const shown = kinds.filter((kind) => !resources[kind].holdsNothing)

/** What each thing of a cluster is called that a person is to be shown before it goes, by its id or address. */
export const seenIn = (own: Things): Record<string, string> =>
  Object.fromEntries(told(own, shown).map(({ id, what }) => [id, what]))

/** All that goes, in the order in which it does. @param sizes of droplets, where prices are told */
export const going = (own: Things, { ids }: Pick<Kept, 'ids'>, sizes?: readonly Size[]): Told[] =>
  told(own, steps.flat(), sizes).filter(({ id }) => !ids.has(id))

/** Whether regrow made a network of the cluster's name: with the described range, or its machines are in it. */
const isGrown = ({ committed }: Cluster, { droplets }: Inventory, one: Vpc) =>
  one.ip_range === committed?.network.range || droplets.some(({ vpc_uuid }) => vpc_uuid === one.id)

/**
 * The exact inventory of a cluster: what goes, and what stays because it is the only copy of something, or because regrow
 * did not make it.
 * @param unfinished a restore whose machines go with it
 * @throws Problems for droplets that lie with the cluster's and are none of them
 */
export async function removal(
  cluster: Cluster,
  flags: { 'with-backups': boolean; 'with-repository': boolean },
  opened: Pick<Buckets, 'velero' | 'kit'> | undefined,
  unfinished?: Unfinished,
): Promise<Removal> {
  const [own, sizes] = await Promise.all([inventory(cluster.cloud, cluster.name), cluster.cloud.sizes()])
  const noted = opened ? await notedNames(opened.kit) : new Set<string>()
  const others = strangers(cluster, own, noted)
  if (others.length > 0) throw new Problems(others)
  const places = bucketPlaces(cluster)
  const missing = places.spaces ? await missingBuckets(places) : []
  const uses = (['velero', 'kit'] as const).filter((use) => !missing.includes(places[use]))
  const buckets = uses.map((use) => places[use])
  const persons = await personsThings(cluster, own, opened?.kit)
  const only = flags['with-backups']
    ? { volumes: new Set<string>(), snapshots: new Set<string>() }
    : toKeep(own, await copiesIn(opened?.velero, cluster, own, opened?.kit))
  // The first network of a region is its default, which DigitalOcean never removes.
  const networks = own.vpcs.filter((one) => one.default || !isGrown(cluster, own, one))
  const ids = new Set([...only.volumes, ...only.snapshots, ...persons.ids, ...networks.map(({ id }) => id)])
  const inProject = await leftInProject(cluster, going(own, { ids }))
  const projects = inProject.length > 0 ? own.projects : []
  for (const { id } of projects) ids.add(id)
  const keep = { ids, noted, seen: seenIn(own) }
  const backups = [
    ...buckets.map((bucket, index) => ({
      title: `bucket ${bucket}`,
      // An account pays Spaces once: while another cluster is there, its fee stays.
      perMonth: places.spaces && index === 0 && own.others.length === 0 ? prices.spaces : 0,
    })),
    ...told(own, ['snapshots']).filter(({ id }) => ids.has(id)),
    ...told(own, ['volumes'])
      .filter(({ id }) => only.volumes.has(id) && !persons.ids.includes(id))
      .map((one) => ({ ...one, title: `${one.title} (no whole backup holds it)` })),
  ]
  const repository = cluster.repository
    ? [{ title: `repository ${cluster.place.owner}/${cluster.place.name}`, perMonth: 0 }]
    : []
  const defaults = networks.map((one) => ({
    title: `network ${one.name} (${one.default ? 'the region’s default cannot be removed' : 'regrow did not make it'})`,
    perMonth: 0,
  }))
  const removed = [
    ...going(own, keep, sizes),
    ...(flags['with-backups'] ? backups : []),
    ...(flags['with-repository'] ? repository : []),
  ]
  const kept = [
    ...(flags['with-backups'] ? [] : backups),
    ...(flags['with-repository'] ? [] : repository),
    ...defaults,
    ...persons.things,
    ...projects.map((one) => ({
      title: `project ${one.name} (what stays lies in it: ${inProject.join(', ')})`,
      perMonth: 0,
    })),
  ]
  const say = (one: Line) => `${one.title}${one.perMonth ? `  ${dollars(one.perMonth)}` : ''}`
  // The kit has the only key that opens them.
  const dies = flags['with-backups'] && !flags['with-repository'] && buckets.includes(places.kit)
  const sealed = dies ? await sealedSecretsInGit(cluster) : []
  const dead = sealedText(cluster, sealed)
  const saved = removed.reduce((sum, one) => sum + one.perMonth, 0)
  return {
    removed: removed.map(say),
    kept: kept.map(say),
    keep,
    buckets:
      flags['with-backups'] && places.spaces ? Object.fromEntries(uses.map((use) => [use, places[use]])) : {},
    nothing: removed.length === 0,
    destructive: true,
    text: [
      `cluster ${cluster.name}: what will be removed for good`,
      ...removed.map((one) => `  - ${say(one)}`),
      ...kept.map((one) => `  = ${say(one)}  (kept)`),
      ...(unfinished ? [`  ! ${lostWith(unfinished)}`] : []),
      ...(dead ? [`  ! ${dead} can never be opened again: their key is in bucket ${places.kit}`] : []),
      ...own.unseen.map((kind) => {
        const { label, optional, scope } = resources[kind]
        return `  ! ${label}s, ${optional}, cannot be seen: the token lacks ${scope}:read`
      }),
      removed.length === 0 ? '  nothing is there' : `  saves ${dollars(saved)} a month`,
    ].join('\n'),
    toJSON: () => ({ cluster: cluster.name, removed: removed.map(say), kept: kept.map(say), sealed, saved }),
  }
}

/** What a removal comes to: what went, what stays by wish, and what is left against it, which is a failure (exit code 1). */
export function removalOutcome(
  { removed, kept }: Removal,
  left: readonly string[],
  lastBackup: Field,
): Outcome & Record<string, unknown> {
  const result = { removed, kept, left, lastBackup }
  const fault =
    left.length > 0
      ? new Problem(`not all is gone:\n    ${left.join('\n    ')}`, {
          cure: `Run ${again()}: it removes what is left. What goes on being there costs what it did.`,
        })
      : undefined
  return { ...result, shown: () => result, fault: () => fault }
}
