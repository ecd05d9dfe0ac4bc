import { clusterName, isDriverVolume, isKubernetesBalancer, names } from '../base/names.ts'
import { type DigitalOcean, DigitalOceanRefusal } from '../clients/digitalocean.ts'
import type {
  Droplet,
  Firewall,
  LoadBalancer,
  Project,
  ReservedIp,
  Snapshot,
  SpacesKey,
  SshKey,
  Volume,
  Vpc,
} from '../clients/digitalocean-types.ts'

/** Everything at DigitalOcean that belongs to one cluster. */
export interface Inventory {
  projects: Project[]
  /** Projects of other clusters in the same account. */
  others: Project[]
  vpcs: Vpc[]
  firewalls: Firewall[]
  sshKeys: SshKey[]
  reservedIps: ReservedIp[]
  droplets: Droplet[]
  /** Those of its droplets that do not lie in its project. */
  astray: Droplet[]
  volumes: Volume[]
  snapshots: Snapshot[]
  /** Those that a cloud controller made for Services; undefined when the token may not look at any. */
  loadBalancers: LoadBalancer[] | undefined
  spacesKeys: SpacesKey[]
}

/** A kind of thing, and the type that DigitalOcean's client reads of it. */
interface Kinds {
  project: Project
  vpc: Vpc
  firewall: Firewall
  sshKey: SshKey
  reservedIp: ReservedIp
  droplet: Droplet
  volume: Volume
  snapshot: Snapshot
  loadBalancer: LoadBalancer
  spacesKey: SpacesKey
  bucket: SeenBucket
}

/** What a cluster has two buckets for: backups, which the key in the cluster opens, and the kit, which it does not. */
export type BucketUse = 'velero' | 'kit'

/** A bucket that was looked into: all that tells whose it is. */
export interface SeenBucket {
  name: string
  use: BucketUse
  /** What regrow's mark in it says, which it writes when it makes a bucket or takes one over. */
  mark?: { bucket: string; cluster: string; use: BucketUse } | undefined
  /** It has exactly the name that regrow gives to a bucket that it makes. */
  isNamed: boolean
  /** The operator named it in this run, on the command line or in a file: Git's word alone is nobody's. */
  isVouched: boolean
  isEmpty: boolean
  /** The cluster whose kit is in it; `sealed` where only the passphrase would tell. */
  kit?: string | undefined
  /** Nothing is in it but what Velero makes. */
  isVeleros: boolean
  /** The kit's bucket is this cluster's, and the cluster is known to use this one beside it. */
  isPaired: boolean
}

/** What `thisProcess` says, behind the time in the name of a run's own key; earlier versions left it out. */
const maker = '-[0-9a-f]{6}-\\d+-[0-9a-f]{6}'

/** The cluster's project at DigitalOcean, where it is known: its id and what lies in it, as URNs. */
export interface OwnProject {
  id: string
  urns: ReadonlySet<string>
}

/** What else is known of a cluster, where it bears on what is ours. */
export interface Known {
  /** Ids of its droplets. */
  droplets?: ReadonlySet<string>
}

/**
 * Decides whether a thing is ours: the one place that does. A thing with tags is ours by the cluster's tag, or because
 * it lies in the cluster's project when somebody took the tag off; an address by the project alone; a firewall by its
 * name and the tag whose droplets it guards; a load balancer when it stands before the cluster's tag or before droplets of
 * ours, and before no other droplet; before none, when it lies in the project under a name of Kubernetes'; a bucket by regrow's mark in it, and
 * without one by what it holds; a project by name and description, an SSH key by name and comment; the rest by exactly the name that regrow gives.
 */
export function isOurs<K extends keyof Kinds>(
  kind: K,
  thing: Kinds[K],
  cluster: string,
  own?: OwnProject,
  { droplets }: Known = {},
): boolean {
  const tagged = (tags: string[] | null | undefined) => tags?.includes(names.tag(cluster)) === true
  const tests: { [T in keyof Kinds]: (one: Kinds[T]) => boolean } = {
    project: (one) =>
      one.name === names.project(cluster) &&
      !one.is_default &&
      (one.description === names.projectDescription(cluster) || one.id === own?.id),
    vpc: (one) => one.name === names.network(cluster),
    firewall: (one) => one.name === names.firewall(cluster) && tagged(one.tags),
    sshKey: (one) =>
      one.name === names.sshKey(cluster) &&
      one.public_key.trimEnd().endsWith(` ${names.sshComment(cluster)}`),
    reservedIp: (one) => own !== undefined && one.project_id === own.id,
    droplet: (one) => tagged(one.tags) || own?.urns.has(`do:droplet:${one.id}`) === true,
    volume: (one) => tagged(one.tags) || own?.urns.has(`do:volume:${one.id}`) === true,
    snapshot: (one) => tagged(one.tags),
    loadBalancer: (one) => {
      const behind = one.droplet_ids ?? []
      const placed =
        own !== undefined && (one.project_id === own.id || own.urns.has(`do:loadbalancer:${one.id}`))
      return (
        (one.tag === names.tag(cluster) ||
          behind.length > 0 ||
          (placed && !one.tag && isKubernetesBalancer(one.name))) &&
        behind.every((id) => droplets?.has(id) === true)
      )
    },
    spacesKey: (one) =>
      new RegExp(`^regrow-${cluster}-((setup|velero)-[0-9tz]+|(operator|reader)-[0-9tz]+(${maker})?)$`).test(
        one.name,
      ),
    bucket: ({ name, use, mark, kit, ...one }) => {
      if (mark) return mark.bucket === name && mark.cluster === cluster && mark.use === use
      if (one.isEmpty) return one.isNamed || one.isVouched
      if (use === 'kit') return kit === cluster || (kit === 'sealed' && one.isNamed)
      return kit === undefined && one.isVeleros && (one.isPaired || one.isVouched)
    },
  }
  return tests[kind](thing)
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
      (one) => !isOurs('volume', one, cluster) && !isDriverVolume(one.name, one.tags ?? []),
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
  const made = named.find((one) => isOurs('project', one, cluster))
  if (made) return { id: made.id, urns: new Set(await cloud.projectResources(made.id)) }
  if (named.length === 0) return undefined
  const [droplets, volumes] = await Promise.all([cloud.dropletsTagged(names.tag(cluster)), cloud.volumes()])
  const tagged = [
    ...droplets.map(({ id }) => `do:droplet:${id}`),
    ...volumes.filter((one) => isOurs('volume', one, cluster)).map(({ id }) => `do:volume:${id}`),
  ]
  for (const { id } of named) {
    const urns = new Set(await cloud.projectResources(id))
    if (tagged.some((one) => urns.has(one))) return { id, urns }
  }
  return undefined
}

/** Whether a thing is ours at this moment: asked right before it is stopped, emptied or deleted. */
export async function isOursNow<K extends 'droplet' | 'volume' | 'reservedIp' | 'project'>(
  { cloud, name }: { cloud: DigitalOcean; name: string },
  kind: K,
  thing: Kinds[K],
): Promise<boolean> {
  return isOurs(kind, thing, name) || isOurs(kind, thing, name, await ownProject(cloud, name))
}

/** The machines of a cluster and its address. */
export type Machines = Pick<Inventory, 'droplets' | 'astray' | 'reservedIps'>

/** Looks at machines and address alone: what a wait for them asks again and again. */
export async function ownMachines(
  cloud: DigitalOcean,
  cluster: string,
  itsProject = ownProject(cloud, cluster, cloud.projects()),
): Promise<Machines> {
  const [project, addresses, tagged] = await Promise.all([
    itsProject,
    cloud.reservedIps(),
    cloud.dropletsTagged(names.tag(cluster)),
  ])
  const droplets = [...tagged, ...(await untagged(cloud, tagged, project))].filter((one) =>
    isOurs('droplet', one, cluster, project),
  )
  return {
    droplets,
    astray: droplets.filter((one) => !project?.urns.has(`do:droplet:${one.id}`)),
    reservedIps: addresses
      .filter((one) => isOurs('reservedIp', one, cluster, project))
      .toSorted((a, b) => rankOfAddress(a, droplets) - rankOfAddress(b, droplets)),
  }
}

/** A person may have put an address into the project as well: the cluster's leads to its machine, or nowhere. */
const rankOfAddress = ({ droplet }: ReservedIp, own: readonly Droplet[]) =>
  droplet == null ? 1 : own.some(({ id }) => id === droplet.id) ? 0 : 2

/** Looks at everything of a cluster at once. */
export async function inventory(cloud: DigitalOcean, cluster: string): Promise<Inventory> {
  const allProjects = cloud.projects()
  const itsProject = ownProject(cloud, cluster, allProjects)
  const [project, projects, machines, vpcs, firewalls, sshKeys, volumes, snapshots, balancers, spacesKeys] =
    await Promise.all([
      itsProject,
      allProjects,
      ownMachines(cloud, cluster, itsProject),
      cloud.vpcs(),
      cloud.firewalls(),
      cloud.sshKeys(),
      cloud.volumes(),
      ownSnapshots(cloud, cluster),
      cloud.loadBalancers().catch(unlessForbidden),
      cloud.spacesKeys(),
    ])
  const known = { droplets: new Set(machines.droplets.map((one) => one.id)) }
  return {
    projects: projects.filter((one) => isOurs('project', one, cluster, project)),
    others: projects.filter((one) => isClusters(one) && one.name !== names.project(cluster)),
    vpcs: vpcs.filter((one) => isOurs('vpc', one, cluster)),
    firewalls: firewalls.filter((one) => isOurs('firewall', one, cluster)),
    sshKeys: sshKeys.filter((one) => isOurs('sshKey', one, cluster)),
    ...machines,
    volumes: volumes.filter((one) => isOurs('volume', one, cluster, project)),
    snapshots,
    loadBalancers: balancers?.filter((one) => isOurs('loadBalancer', one, cluster, project, known)),
    spacesKeys: spacesKeys.filter((one) => isOurs('spacesKey', one, cluster)),
  }
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

/** No flow needs to see load balancers, so a token without that scope will do. */
function unlessForbidden(error: unknown): undefined {
  if (!(error instanceof DigitalOceanRefusal) || error.status !== 403) throw error
}

/** Droplets that lie in our project and lost their tag. */
async function untagged(
  cloud: DigitalOcean,
  tagged: Droplet[],
  project: OwnProject | undefined,
): Promise<Droplet[]> {
  const ids = [...(project?.urns ?? [])]
    .map((urn) => urn.match(/^do:droplet:(\d+)$/)?.[1])
    .filter((id) => id !== undefined && !tagged.some((one) => one.id === id))
  const found = await Promise.all(ids.map((id) => cloud.droplet(id ?? '')))
  return found.filter((one) => one !== undefined)
}

/** The cluster's snapshots alone: one request where the whole inventory takes ten. */
export async function ownSnapshots(cloud: DigitalOcean, cluster: string): Promise<Snapshot[]> {
  return (await cloud.volumeSnapshots()).filter((one) => isOurs('snapshot', one, cluster))
}
