import type { DigitalOcean } from '../digitalocean/client.ts'
import type {
  Droplet,
  Firewall,
  Project,
  ReservedIp,
  Snapshot,
  SpacesKey,
  SshKey,
  Volume,
  Vpc,
} from '../digitalocean/types.ts'
import { names } from './names.ts'

/** Everything at DigitalOcean that belongs to one cluster. */
export interface Inventory {
  projects: Project[]
  vpcs: Vpc[]
  firewalls: Firewall[]
  sshKeys: SshKey[]
  reservedIps: ReservedIp[]
  droplets: Droplet[]
  volumes: Volume[]
  snapshots: Snapshot[]
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
  spacesKey: SpacesKey
}

/**
 * Decides whether a thing is ours: the one place that does. A thing with tags is ours by the cluster's tag, an
 * address by the cluster's project, the rest by exactly the name that regrow gives.
 */
export function isOurs<K extends keyof Kinds>(
  kind: K,
  thing: Kinds[K],
  cluster: string,
  projectId?: string,
): boolean {
  const tagged = (tags: string[] | null | undefined) => tags?.includes(names.tag(cluster)) === true
  const tests: { [T in keyof Kinds]: (one: Kinds[T]) => boolean } = {
    project: (one) => one.name === names.project(cluster) && !one.is_default,
    vpc: (one) => one.name === names.network(cluster),
    firewall: (one) => one.name === names.firewall(cluster),
    sshKey: (one) => one.name === names.sshKey(cluster),
    reservedIp: (one) => projectId !== undefined && one.project_id === projectId,
    droplet: (one) => tagged(one.tags),
    volume: (one) => tagged(one.tags),
    snapshot: (one) => tagged(one.tags),
    spacesKey: (one) =>
      new RegExp(`^regrow-${cluster}-(setup|operator|reader|velero)-[0-9tz]+$`).test(one.name),
  }
  return tests[kind](thing)
}

/** Looks at everything of a cluster at once. */
export async function inventory(cloud: DigitalOcean, cluster: string): Promise<Inventory> {
  const [projects, vpcs, firewalls, sshKeys, addresses, droplets, volumes, snapshots, spacesKeys] =
    await Promise.all([
      cloud.projects(),
      cloud.vpcs(),
      cloud.firewalls(),
      cloud.sshKeys(),
      cloud.reservedIps(),
      cloud.dropletsTagged(names.tag(cluster)),
      cloud.volumes(),
      cloud.volumeSnapshots(),
      cloud.spacesKeys(),
    ])
  const own = projects.filter((one) => isOurs('project', one, cluster))
  return {
    projects: own,
    vpcs: vpcs.filter((one) => isOurs('vpc', one, cluster)),
    firewalls: firewalls.filter((one) => isOurs('firewall', one, cluster)),
    sshKeys: sshKeys.filter((one) => isOurs('sshKey', one, cluster)),
    reservedIps: addresses.filter((one) => isOurs('reservedIp', one, cluster, own[0]?.id)),
    droplets: droplets.filter((one) => isOurs('droplet', one, cluster)),
    volumes: volumes.filter((one) => isOurs('volume', one, cluster)),
    snapshots: snapshots.filter((one) => isOurs('snapshot', one, cluster)),
    spacesKeys: spacesKeys.filter((one) => isOurs('spacesKey', one, cluster)),
  }
}
