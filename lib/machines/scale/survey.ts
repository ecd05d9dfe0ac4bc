import { hint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import type { Droplet, ReservedIp } from '../../clients/digitalocean-types.ts'
import { asOf } from '../../clients/lately.ts'
import type { Bucket } from '../../clients/s3.ts'
import { type Kube, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { ownMachines } from '../../cluster/ours.ts'
import { runKubeconfig } from '../../kubernetes/kubeconfig.ts'
import { type LocalClaim, localClaims } from '../../kubernetes/local-claims.ts'
import { type Member, members } from '../../kubernetes/nodes.ts'
import { type Pod, pods } from '../../kubernetes/pods.ts'
import { volumeLimits } from '../../kubernetes/volume-limits.ts'
import type { Kit } from '../../store/kit.ts'
import { earlierMachines } from '../first/restoration.ts'
import type { Seen } from './difference.ts'
import type { ScaleRequest } from './request.ts'

/** The machines as they are, and the kubeconfig of a server that answers, if one does. */
export interface Observed extends Seen {
  kube: Kube | undefined
}

/** Droplets of a cluster that is being replaced, or was and had to stay. */
export type Earlier = readonly { id: string }[]

/** Machines that a restore replaced and left: only who names one to be removed takes it for one of the cluster's. */
export async function othersThan(wish: ScaleRequest, kit: Bucket): Promise<Earlier> {
  const named = wish.verb === 'remove' ? wish.names : []
  return (await earlierMachines(kit)).filter(({ name }) => !named.includes(name))
}

/**
 * Looks at droplets, nodes and pods; changes nothing.
 * @param earlier droplets that are none of its machines: of a cluster that is being replaced
 * @param since by `performance.now()`: what DigitalOcean was asked for since then will do
 * @throws Problem when there is no such cluster
 */
export async function observe(
  cluster: Cluster,
  kit: Kit,
  earlier: Earlier = [],
  since = performance.now(),
): Promise<Observed> {
  const cloud = asOf(cluster.cloud, since)
  const { droplets: all, astray, reservedIps } = await ownMachines(cloud, cluster.name)
  const isNow = (one: Droplet) => !earlier.some(({ id }) => id === one.id)
  const droplets = all.filter(isNow)
  const [address] = reservedIps
  if (!address)
    throw new Problem(`there is no cluster “${cluster.name}” at DigitalOcean`, {
      cure: `${hint('bootstrap.mts', cluster)} grows it.`,
    })
  const answering = await firstAnswer(cluster, kit, address, droplets)
  return {
    droplets,
    earlier: all.filter((one) => !isNow(one)),
    astray: astray.filter(isNow),
    leadsTo: address.droplet?.id,
    members: answering?.members,
    kube: answering?.kube,
    pods: answering?.pods ?? [],
    localClaims: answering?.local ?? [],
    volumeLimits: answering?.limits ?? new Map(),
  }
}

interface Answering {
  kube: Kube
  members: Member[]
  pods: Pod[]
  local: LocalClaim[]
  limits: Map<string, number>
}

/** Each server answers at its own address, too, when the one behind the reserved address is lost. */
async function firstAnswer(
  cluster: Cluster,
  kit: Kit,
  address: ReservedIp,
  droplets: readonly Droplet[],
): Promise<Answering | undefined> {
  const roles = new Map((cluster.committed ?? cluster.wanted).nodes.map((node) => [node.name, node.role]))
  const servers = droplets.filter((one) => one.status === 'active' && roles.get(one.name) === 'server')
  const own = servers.flatMap((one) =>
    one.networks.v4.filter((net) => net.type === 'public').map((net) => net.ip_address),
  )
  for (const ip of [address.ip, ...own]) {
    const kube = { file: await runKubeconfig(cluster, kit, ip) }
    try {
      return {
        kube,
        members: await members(kube),
        pods: await pods(kube),
        local: await localClaims(kube),
        limits: await volumeLimits(kube),
      }
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
    }
  }
  return undefined
}
