import { isKubernetesBalancer, isShortLived, names } from '../base/names.ts'
import type { DigitalOcean } from '../clients/digitalocean.ts'
import type * as api from '../clients/digitalocean-types.ts'
import { doctl, type Output, type Template } from '../clients/tools.ts'
import type { SeenBucket } from './bucket.ts'
import type { Description } from './description.ts'
import { prices } from './prices.ts'

/** Every kind of thing that may be a cluster's, and what is read of one. */
export interface Kinds {
  projects: api.Project
  vpcs: api.Vpc
  firewalls: api.Firewall
  sshKeys: api.SshKey
  reservedIps: api.ReservedIp
  droplets: api.Droplet
  spacesKeys: api.SpacesKey
  volumes: api.Volume
  snapshots: api.Snapshot
  loadBalancers: api.LoadBalancer
  buckets: SeenBucket
}

/** A kind that DigitalOcean lists: buckets are looked for in the store. */
export type Kind = Exclude<keyof Kinds, 'buckets'>

/** The cluster's project at DigitalOcean, where it is known: its id and what lies in it, as URNs. */
export interface OwnProject {
  id: string
  urns: ReadonlySet<string>
}

/** What is known of a cluster where it is asked whose a thing is. */
export interface Around {
  cluster: string
  project?: OwnProject | undefined
  /** Ids of its droplets. */
  droplets?: ReadonlySet<string> | undefined
}

/** A kind: all that regrow knows of it. What a new one needs beside its row, docs/design.md tells. */
export interface Resource<T> {
  /** What people call one, such as `load balancer`. */
  label: string
  /** What a token needs to read and to delete one. */
  scope: api.Scope
  /** No flow needs to see one, so a token without the scope will do; it is told with these words. */
  optional?: string
  /** What doctl removes it by. */
  id: (one: T) => string
  name: (one: T) => string
  /** Looks for all that may be the cluster's. */
  list: (cloud: DigitalOcean, cluster: string, project: Promise<OwnProject | undefined>) => Promise<T[]>
  /** Looks at one; without it, it is looked for in the list. */
  get?: (cloud: DigitalOcean, id: string) => Promise<T | undefined>
  /** Whether it is the cluster's: `isOurs` is what everybody asks. */
  isOurs: (one: T, around: Around) => boolean
  /** Which of several is the cluster's own rather: the lowest. */
  rank?: (one: T, around: Around) => number
  /** In dollars. */
  perMonth: (one: T, sizes: readonly api.Size[]) => number
  /** The one that bootstrap makes, as a plan tells it. Without it, plan and status name each that is there. */
  wanted?: (wanted: Description) => { name: string; detail: string }
  /** What plan and status say behind the name of one that is there. */
  detail?: (one: T) => string
  /** What the list of what goes says behind its name. */
  more?: (one: T) => string
  /** What it is called in a project's list of what lies in it. */
  urns?: readonly string[]
  /** When it goes: those of one number beside each other, after all those of a lower one are gone. */
  order: number
  /** It holds nothing, and is told by exactly what regrow gave it: it goes although nobody was shown it. */
  holdsNothing: boolean
  /** It is none of what goes, because a run puts it away itself. */
  passes?: (one: T) => boolean
  remove: (id: string, tool?: Template) => Promise<Output>
}

const isTagged = (tags: string[] | null | undefined, cluster: string) =>
  tags?.includes(names.tag(cluster)) === true
const liesIn = (project: OwnProject | undefined, urn: string) => project?.urns.has(urn) === true
const free = () => 0
const named = { id: (one: { id: string }) => one.id, name: (one: { name: string }) => one.name }
const gib = (one: { size_gigabytes: number }) => `${one.size_gigabytes} GiB`

/** What says, behind the time in the name of a run's own key, which process has it; earlier versions left it out. */
const maker = '-[0-9a-f]{6}-\\d+-[0-9a-f]{6}'

/** Each kind, in the order in which a plan tells them. What goes first is what is known by the rest: `order` says it. */
export const resources: { readonly [K in Kind]: Resource<Kinds[K]> } = {
  projects: {
    label: 'project',
    scope: 'project',
    ...named,
    list: (cloud) => cloud.projects(),
    isOurs: (one, { cluster, project }) =>
      one.name === names.project(cluster) &&
      !one.is_default &&
      (one.description === names.projectDescription(cluster) || one.id === project?.id),
    perMonth: free,
    wanted: ({ cluster }) => ({ name: names.project(cluster), detail: `tag ${names.tag(cluster)}` }),
    order: 6,
    holdsNothing: true,
    remove: (id) => doctl`projects delete ${id} --force`,
  },
  vpcs: {
    label: 'network',
    scope: 'vpc',
    ...named,
    list: (cloud) => cloud.vpcs(),
    isOurs: (one, { cluster }) => one.name === names.network(cluster),
    perMonth: free,
    wanted: ({ cluster, network }) => ({ name: names.network(cluster), detail: network.range }),
    order: 5,
    holdsNothing: false,
    remove: (id) => doctl`vpcs delete ${id} --force`,
  },
  firewalls: {
    label: 'firewall',
    scope: 'firewall',
    ...named,
    list: (cloud) => cloud.firewalls(),
    isOurs: (one, { cluster }) => one.name === names.firewall(cluster) && isTagged(one.tags, cluster),
    perMonth: free,
    wanted: ({ cluster, network }) => ({
      name: names.firewall(cluster),
      detail: `6443 for ${network.adminCidrs.join(' ')}`,
    }),
    order: 5,
    holdsNothing: true,
    remove: (id) => doctl`compute firewall delete ${id} --force`,
  },
  sshKeys: {
    label: 'SSH key',
    scope: 'ssh_key',
    ...named,
    list: (cloud) => cloud.sshKeys(),
    isOurs: (one, { cluster }) =>
      one.name === names.sshKey(cluster) &&
      one.public_key.trimEnd().endsWith(` ${names.sshComment(cluster)}`),
    perMonth: free,
    wanted: ({ cluster }) => ({ name: names.sshKey(cluster), detail: 'port 22 stays closed' }),
    order: 5,
    holdsNothing: true,
    remove: (id) => doctl`compute ssh-key delete ${id} --force`,
  },
  reservedIps: {
    label: 'reserved IP',
    scope: 'reserved_ip',
    id: (one) => one.ip,
    name: (one) => one.ip,
    list: (cloud) => cloud.reservedIps(),
    isOurs: (one, { project }) => project !== undefined && one.project_id === project.id,
    // A person may have put one into the project as well: the cluster's leads to its machine, or nowhere.
    rank: ({ droplet }, { droplets }) => (droplet == null ? 1 : droplets?.has(droplet.id) ? 0 : 2),
    perMonth: ({ droplet }) => (droplet ? 0 : prices.reservedIpUnused),
    urns: ['floatingip', 'reservedip'],
    order: 5,
    holdsNothing: false,
    remove: (id) => doctl`compute reserved-ip delete ${id} --force`,
  },
  droplets: {
    label: 'droplet',
    scope: 'droplet',
    ...named,
    list: async (cloud, cluster, project) => {
      const tagged = await cloud.dropletsTagged(names.tag(cluster))
      return [...tagged, ...(await untagged(cloud, tagged, await project))]
    },
    get: (cloud, id) => cloud.droplet(id),
    isOurs: (one, { cluster, project }) =>
      isTagged(one.tags, cluster) || liesIn(project, `do:droplet:${one.id}`),
    perMonth: (one, sizes) => sizes.find(({ slug }) => slug === one.size_slug)?.price_monthly ?? 0,
    detail: ({ size_slug, region, status }) =>
      [size_slug, region.slug, ...(status === 'active' ? [] : [status])].join(', '),
    urns: ['droplet'],
    order: 2,
    holdsNothing: false,
    remove: (id) => doctl`compute droplet delete ${id} --force`,
  },
  spacesKeys: {
    label: 'Spaces key',
    scope: 'spaces_key',
    id: (one) => one.access_key,
    name: (one) => one.name,
    list: (cloud) => cloud.spacesKeys(),
    isOurs: (one, { cluster }) =>
      new RegExp(`^regrow-${cluster}-((setup|velero)-[0-9tz]+|(operator|reader)-[0-9tz]+(${maker})?)$`).test(
        one.name,
      ),
    perMonth: free,
    order: 5,
    holdsNothing: true,
    passes: (one) => isShortLived(one.name),
    remove: (id, tool = doctl) => tool`spaces keys delete ${id}`,
  },
  volumes: {
    label: 'volume',
    scope: 'block_storage',
    ...named,
    list: (cloud) => cloud.volumes(),
    isOurs: (one, { cluster, project }) =>
      isTagged(one.tags, cluster) || liesIn(project, `do:volume:${one.id}`),
    perMonth: (one) => one.size_gigabytes * prices.volumeGib,
    detail: gib,
    more: (one) => `, ${gib(one)}`,
    urns: ['volume'],
    order: 3,
    holdsNothing: false,
    remove: (id) => doctl`compute volume delete ${id} --force`,
  },
  snapshots: {
    label: 'snapshot',
    scope: 'snapshot',
    ...named,
    list: (cloud) => cloud.volumeSnapshots(),
    isOurs: (one, { cluster }) => isTagged(one.tags, cluster),
    perMonth: (one) => one.size_gigabytes * prices.snapshotGib,
    detail: gib,
    more: (one) => `, ${gib(one)}`,
    order: 4,
    holdsNothing: false,
    remove: (id) => doctl`compute snapshot delete ${id} --force`,
  },
  // Known by the machines behind it, so it goes before them.
  loadBalancers: {
    label: 'load balancer',
    scope: 'load_balancer',
    optional: 'which Kubernetes may have made',
    ...named,
    list: (cloud) => cloud.loadBalancers(),
    isOurs: (one, { cluster, project, droplets }) => {
      const behind = one.droplet_ids ?? []
      const placed =
        project !== undefined &&
        (one.project_id === project.id || liesIn(project, `do:loadbalancer:${one.id}`))
      return (
        (one.tag === names.tag(cluster) ||
          behind.length > 0 ||
          (placed && !one.tag && isKubernetesBalancer(one.name))) &&
        behind.every((id) => droplets?.has(id) === true)
      )
    },
    perMonth: (one) => one.size_unit * prices.loadBalancer,
    detail: () => 'made by Kubernetes for a Service',
    more: (one) => ` (${one.id})`,
    urns: ['loadbalancer'],
    order: 1,
    holdsNothing: false,
    remove: (id) => doctl`compute load-balancer delete ${id} --force`,
  },
}

/** All kinds, in the order in which a plan tells them. */
export const kinds = Object.keys(resources) as Kind[]

/** All kinds, in the order in which they go: those of one step beside each other. */
export const steps: readonly Kind[][] = [...new Set(kinds.map((kind) => resources[kind].order))]
  .toSorted((a, b) => a - b)
  .map((order) => kinds.filter((kind) => resources[kind].order === order))

/** Droplets that lie in our project and lost their tag. */
async function untagged(
  cloud: DigitalOcean,
  tagged: readonly api.Droplet[],
  project: OwnProject | undefined,
): Promise<api.Droplet[]> {
  const ids = [...(project?.urns ?? [])]
    .map((urn) => urn.match(/^do:droplet:(\d+)$/)?.[1])
    .filter((id) => id !== undefined && !tagged.some((one) => one.id === id))
  const found = await Promise.all(ids.map((id) => cloud.droplet(id ?? '')))
  return found.filter((one) => one !== undefined)
}
