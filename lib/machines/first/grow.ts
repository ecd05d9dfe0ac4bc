import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { copyUpstream } from '../../gitops/copy-upstream.ts'
import { seed } from '../../gitops/seed.ts'
import { connect } from '../../kubernetes/connect.ts'
import { retireClusterKeys } from '../../store/buckets.ts'
import { ensureDroplet } from '../foundation/droplet.ts'
import type { Foundation } from '../foundation/foundation.ts'
import { ensureSshKey } from '../foundation/ssh-key.ts'
import { ensureBundle, firstServerName } from './first-server.ts'

/**
 * Grows the first server: its bundle, the manifests that its Argo CD reads, the droplet, which installs itself; waits
 * until its Kubernetes API answers. From then on no earlier server's key opens the backups.
 */
export async function ensureFirstServer(cluster: Cluster, foundation: Foundation): Promise<Kube> {
  const { address, buckets, kit } = foundation
  const [sshKey, userData] = await Promise.all([
    ensureSshKey(cluster, kit),
    ensureBundle(cluster, { kit, buckets, address }),
    planted(cluster, foundation),
  ])
  const name = firstServerName(cluster)
  const size = cluster.wanted.nodes[0]?.size ?? cluster.wanted.size
  await ensureDroplet(cluster, { ...foundation, name, size, userData, sshKey })
  const kube = await connect(cluster, { kit, buckets, address, name }) // the kubeconfig was known before the machine
  await retireClusterKeys(cluster, buckets, name)
  return kube
}

/** What Argo CD will read is in Git: what upstream has no longer, the manifests; and its deploy key. */
async function planted(cluster: Cluster, { kit, buckets, address }: Foundation): Promise<void> {
  await copyUpstream(cluster, buckets.kit)
  await seed(cluster, kit, address)
}
