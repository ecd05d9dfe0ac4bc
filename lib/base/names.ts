import { createHash } from 'node:crypto'

/** Every name that regrow gives: no script writes one itself. */
export const names = {
  project: (cluster: string) => `regrow-${cluster}`,
  projectDescription: (cluster: string) => `Grown by regrow: cluster ${cluster}`,
  tag: (cluster: string) => `regrow:${cluster}`,
  network: (cluster: string) => `${cluster}-network`,
  firewall: (cluster: string) => `${cluster}-firewall`,
  sshKey: (cluster: string) => `${cluster}-key`,
  /** Behind the public key. */
  sshComment: (cluster: string) => `regrow ${cluster}`,
  droplet: (cluster: string, n: number) => `${cluster}-${n}`,
  repository: (cluster: string) => `regrow-${cluster}`,
  setupKey: (cluster: string, at: Date) => `regrow-${cluster}-setup-${stamp(at)}`,
  /** `maker` is the process that has it (`thisProcess`): who finds it can tell whether it is still in use. */
  operatorKey: (cluster: string, at: Date, maker: string) =>
    `regrow-${cluster}-operator-${stamp(at)}-${maker}`,
  readerKey: (cluster: string, at: Date, maker: string) => `regrow-${cluster}-reader-${stamp(at)}-${maker}`,
  /** `what` is the cluster, and for which occasion; to the second, without the zone. */
  backup: (what: string, at: Date) => `${what}-${stamp(at).replace(/z$/, '')}`,
  veleroKey: (cluster: string, n: number) => `regrow-${cluster}-velero-${n}`,
  /** Both buckets: the in-cluster key may touch only the first. Grants of Spaces keys are per bucket. */
  buckets: (cluster: string, account: { uuid: string; team?: { uuid: string } | null | undefined }) => {
    const hash = createHash('sha256')
      .update(account.team?.uuid ?? account.uuid)
      .digest('hex')
      .slice(0, 10)
    return { velero: `regrow-${cluster}-${hash}-velero`, kit: `regrow-${cluster}-${hash}-kit` }
  },
} as const

/** Whether a droplet has a name such as regrow gives to a cluster's machines. */
export const isMachineName = (cluster: string, name: string): boolean =>
  name.startsWith(`${cluster}-`) && /^[1-9]\d*$/.test(name.slice(cluster.length + 1))

/** The pattern of a cluster's name. It is a label of the API server's TLS name, which may not end with a hyphen. */
export const clusterName = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/

const stamp = (at: Date) => at.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '').toLowerCase()

/**
 * Whether the driver gave a volume its name, with the uid of its claim in it, and no tag tells of a cluster: of regrow's, or
 * of DigitalOcean's own Kubernetes.
 */
export const isDriverVolume = (name: string, tags: readonly string[]): boolean =>
  /^pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name) &&
  !tags.some((tag) => /^(regrow|k8s):/.test(tag))

/** Whether Kubernetes gave a load balancer its name: with the uid of its Service in it (`DefaultLoadBalancerName`). */
export const isKubernetesBalancer = (name: string): boolean => /^a[0-9a-f]{31}$/.test(name)

/** Whether a Spaces key is one that a run mints for itself. */
export const isShortLived = (name: string): boolean =>
  /-(operator|reader)-[0-9tz]+(-[0-9a-f]{6}-\d+-[0-9a-f]{6})?$/.test(name)
