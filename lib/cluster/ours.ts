import { clusterName, isDriverVolume, names } from '../base/names.ts'
import { type DigitalOcean, DigitalOceanRefusal } from '../clients/digitalocean.ts'
import type { Droplet, Project, ReservedIp, Size, Snapshot } from '../clients/digitalocean-types.ts'
import { asOf } from '../clients/lately.ts'
import { isBucketOurs } from './bucket.ts'
import {
  type Around,
  type Kind,
  type Kinds,
  kinds,
  type OwnProject,
  type Resource,
  resources,
} from './resources.ts'

/** Things of a cluster, by their kind. */
export type Things = { [K in Kind]: Kinds[K][] }

/** Everything at DigitalOcean that belongs to one cluster. */
export interface Inventory extends Things {
  /** Projects of other clusters in the same account. */
  others: Project[]
  /** Kinds of which nothing could be seen, and no flow needs to: the token lacks their scope. */
  unseen: Kind[]
}

const rules: { [K in keyof Kinds]: Pick<Resource<Kinds[K]>, 'isOurs'> } = {
  ...resources,
  buckets: { isOurs: isBucketOurs },
}

/**
 * Decides whether a thing is ours: the one place that does, by the rule of its kind.
 * @param project the cluster's, where it is known: without a tag a thing is ours by lying in it
 */
export function isOurs<K extends keyof Kinds>(
  kind: K,
  thing: Kinds[K],
  cluster: string,
  project?: OwnProject,
  known: Pick<Around, 'droplets'> = {},
): boolean {
  return rules[kind].isOurs(thing, { ...known, cluster, project })
}

/**
 * What lies in the cluster's project and regrow did not make: a person's, which nothing removes. The address of the cluster
 * is one that was noted with a machine, or leads to one; before there was any, one that leads nowhere. A volume without
 * our tag is the driver's by its name alone, and another cluster's by that one's tag.
 * @param noted every address that was noted with a machine
 */
export function notMade(
  { droplets, reservedIps, volumes }: Pick<Inventory, 'droplets' | 'reservedIps' | 'volumes'>,
  cluster: string,
  noted: ReadonlySet<string>,
): Pick<Inventory, 'reservedIps' | 'volumes'> {
  const isOwn = ({ ip, droplet }: ReservedIp) =>
    noted.has(ip) || (droplet != null && droplets.some((one) => one.id === droplet.id))
  const isKnown = noted.size > 0 || reservedIps.some(isOwn)
  return {
    reservedIps: reservedIps.filter((one) => !isOwn(one) && (isKnown || one.droplet != null)),
    volumes: volumes.filter(
      (one) => !isOurs('volumes', one, cluster) && !isDriverVolume(one.name, one.tags ?? []),
    ),
  }
}

/**
 * The cluster's project, if there is one: of the name that regrow gives, with its description, or with a machine or volume of
 * the cluster in it, where somebody changed that.
 * @param projects all of the account, where they are asked for already
 */
export async function ownProject(
  cloud: DigitalOcean,
  cluster: string,
  projects = cloud.projects(),
): Promise<OwnProject | undefined> {
  const named = (await projects).filter((one) => !one.is_default && one.name === names.project(cluster))
  const made = named.find((one) => isOurs('projects', one, cluster))
  if (made) return { id: made.id, urns: new Set(await cloud.projectResources(made.id)) }
  if (named.length === 0) return undefined
  const [droplets, volumes] = await Promise.all([cloud.dropletsTagged(names.tag(cluster)), cloud.volumes()])
  const tagged = [
    ...droplets.map(({ id }) => `do:droplet:${id}`),
    ...volumes.filter((one) => isOurs('volumes', one, cluster)).map(({ id }) => `do:volume:${id}`),
  ]
  for (const { id } of named) {
    const urns = new Set(await cloud.projectResources(id))
    if (tagged.some((one) => urns.has(one))) return { id, urns }
  }
  return undefined
}

/**
 * Whether a thing is ours at this moment: asked right before it is stopped, emptied or deleted.
 * @param known of the cluster, where that tells it
 */
export async function isOursNow<K extends Kind>(
  { cloud, name }: { cloud: DigitalOcean; name: string },
  kind: K,
  thing: Kinds[K],
  known: Pick<Around, 'project' | 'droplets'> = {},
): Promise<boolean> {
  return (
    isOurs(kind, thing, name, known.project, known) ||
    isOurs(kind, thing, name, await ownProject(cloud, name), known)
  )
}

/** Looks at one thing, whosever it is; undefined when there is none. */
export async function seeOne<K extends Kind>(
  { cloud, name }: { cloud: DigitalOcean; name: string },
  kind: K,
  id: string,
): Promise<Kinds[K] | undefined> {
  const row = resources[kind]
  if (row.get) return row.get(cloud, id)
  return (await row.list(cloud, name, Promise.resolve(undefined))).find((one) => row.id(one) === id)
}

/** Those of a kind that are ours; where one counts before the others, it comes first. */
function ours<K extends Kind>(kind: K, all: readonly Kinds[K][], around: Around): Kinds[K][] {
  const { isOurs, rank = () => 0 } = resources[kind]
  return all.filter((one) => isOurs(one, around)).toSorted((a, b) => rank(a, around) - rank(b, around))
}

/** The machines of a cluster and its address. */
export interface Machines extends Pick<Things, 'droplets' | 'reservedIps'> {
  /** Those of its droplets that do not lie in its project. */
  astray: Droplet[]
}

/** Looks at machines and address alone: what a wait for them asks again and again. */
export async function ownMachines(cloud: DigitalOcean, cluster: string): Promise<Machines> {
  const asked = ownProject(cloud, cluster)
  const [project, addresses, all] = await Promise.all([
    asked,
    cloud.reservedIps(),
    resources.droplets.list(cloud, cluster, asked),
  ])
  const around = { cluster, project }
  const droplets = ours('droplets', all, around)
  return {
    droplets,
    astray: droplets.filter((one) => !project?.urns.has(`do:droplet:${one.id}`)),
    reservedIps: ours('reservedIps', addresses, { ...around, droplets: idsOf(droplets) }),
  }
}

const idsOf = (droplets: readonly Droplet[]) => new Set(droplets.map(({ id }) => id))

/** Looks at everything of a cluster at once. */
export async function inventory(cloud: DigitalOcean, cluster: string): Promise<Inventory> {
  // Whose a thing is takes some of the same lists. A copy, because nobody else is to go by what they say here.
  const looks = asOf({ ...cloud }, performance.now())
  const asked = ownProject(looks, cluster)
  const unseen: Kind[] = []
  const look = async <K extends Kind>(kind: K) => {
    const { list, optional } = resources[kind]
    return list(looks, cluster, asked).catch((error: unknown): Kinds[K][] => {
      if (!optional || !(error instanceof DigitalOceanRefusal) || error.status !== 403) throw error
      unseen.push(kind)
      return []
    })
  }
  const [project, all] = await Promise.all([asked, byKind(look)])
  const around = { cluster, project }
  const droplets = idsOf(ours('droplets', all.droplets, around))
  return {
    ...(await byKind(async (kind) => ours(kind, all[kind], { ...around, droplets }))),
    others: all.projects.filter((one) => isClusters(one) && one.name !== names.project(cluster)),
    unseen,
  }
}

const byKind = async (find: <K extends Kind>(kind: K) => Promise<Kinds[K][]>): Promise<Things> =>
  Object.fromEntries(
    await Promise.all(kinds.map(async (kind) => [kind, await find(kind)])),
  ) as unknown as Things

/** A thing as lists tell it. */
export interface Told {
  kind: Kind
  id: string
  /** What people call its kind. */
  label: string
  name: string
  /** Both, such as `droplet main-1`. */
  what: string
  /** The same with what else tells it, or how big it is. */
  title: string
  detail: string
  /** In dollars. */
  perMonth: number
}

/**
 * Things of some kinds as lists tell them, in the order of these kinds; none that a run puts away itself.
 * @param sizes of droplets, where prices are told
 */
export function told<Of extends Kind>(
  own: Pick<Things, Of>,
  only: readonly Of[],
  sizes: readonly Size[] = [],
): Told[] {
  const of = <K extends Of>(kind: K) => {
    const row: Resource<Kinds[K]> = resources[kind]
    const all: readonly Kinds[K][] = own[kind]
    return all.flatMap((one): Told[] => {
      if (row.passes?.(one)) return []
      const { label } = row
      const name = row.name(one)
      const what = `${label} ${name}`
      const [detail, more] = [row.detail?.(one) ?? '', row.more?.(one) ?? '']
      const perMonth = row.perMonth(one, sizes)
      return [{ kind, id: row.id(one), label, name, what, title: `${what}${more}`, detail, perMonth }]
    })
  }
  return only.flatMap(of)
}

const isClusters = ({ name, is_default }: Project) =>
  !is_default && name.startsWith(names.project('')) && clusterName.test(name.slice(names.project('').length))

/**
 * Which other cluster Spaces' fee is counted for: an account pays it once, so the oldest of its clusters has it.
 * Undefined where that is this one.
 */
export function feeIsOf({
  projects: [ours],
  others,
}: Pick<Inventory, 'projects' | 'others'>): string | undefined {
  const age = (one: Project) => `${one.created_at ?? ''} ${one.name}`
  const [oldest] = others.toSorted((a, b) => (age(a) < age(b) ? -1 : 1))
  return oldest && (!ours || age(oldest) < age(ours))
    ? oldest.name.slice(names.project('').length)
    : undefined
}

/** The cluster's snapshots alone: one request where the whole inventory takes ten. */
export async function ownSnapshots(cloud: DigitalOcean, cluster: string): Promise<Snapshot[]> {
  return (await cloud.volumeSnapshots()).filter((one) => isOurs('snapshots', one, cluster))
}
