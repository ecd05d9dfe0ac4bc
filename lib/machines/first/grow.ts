import type { Project, ReservedIp } from '../../clients/digitalocean-types.ts'
import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { copyUpstream } from '../../gitops/copy-upstream.ts'
import { seed } from '../../gitops/seed.ts'
import { connect } from '../../kubernetes/connect.ts'
import { type Buckets, retireClusterKeys } from '../../store/buckets.ts'
import type { Kit } from '../../store/kit.ts'
import { ensureDroplet } from '../foundation/droplet.ts'
import type { Network } from '../foundation/network.ts'
import { ensureSshKey } from '../foundation/ssh-key.ts'
import { ensureBundle, firstServerName } from './first-server.ts'

/** What a first server stands on. */
export interface Ground {
  project: Project
  network: Network
  address: ReservedIp
  buckets: Buckets
  kit: Kit
}

/**
 * Grows the first server: its bundle, the manifests that its Argo CD reads, the droplet, which installs itself; waits
 * until its Kubernetes API answers. From then on no earlier server's key opens the backups.
 */
export async function growFirstServer(cluster: Cluster, ground: Ground): Promise<Kube> {
  const { address, buckets, kit } = ground
  const [sshKey, userData] = await Promise.all([
    ensureSshKey(cluster, kit),
    ensureBundle(cluster, { kit, buckets, address }),
    planted(cluster, ground),
  ])
  const name = firstServerName(cluster)
  const size = cluster.wanted.nodes[0]?.size ?? cluster.wanted.size
  await ensureDroplet(cluster, { ...ground, name, size, userData, sshKey })
  const kube = await connect(cluster, { kit, buckets, address, name }) // the kubeconfig was known before the machine
  await retireClusterKeys(cluster, buckets, name)
  return kube
}

/** What Argo CD will read is in Git: what upstream has no longer, the manifests; and its deploy key. */
async function planted(cluster: Cluster, { kit, buckets, address }: Ground): Promise<void> {
  await copyUpstream(cluster, buckets.kit)
  await seed(cluster, kit, address)
}
