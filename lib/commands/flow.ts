import type { Kube } from '../clients/tools.ts'
import { type Cluster, describe } from '../cluster/cluster.ts'
import { runKubeconfig } from '../kubernetes/kubeconfig.ts'
import { addressOf } from '../machines/foundation/address.ts'
import { preflightReading } from '../machines/preflight/preflight.ts'
import { type Buckets, needBuckets } from '../store/buckets.ts'
import { needKit } from '../store/kit.ts'
import { ensureTools } from './tools/ensure-tools.ts'

// What a flow of one's own is written with, by one import (docs/own-flows.md): what the scripts of this project use.

export { ageOf } from '../backup/backups.ts'
export { lastWhole } from '../backup/vouch/last.ts'
export { Problem } from '../base/problem.ts'
export { script } from '../base/script.ts'
export { tell } from '../base/story.ts'
export { waitFor } from '../base/wait.ts'
export { ensure } from '../clients/ensure.ts'
export { doctl, helm, kubectl, velero } from '../clients/tools.ts'
export { describe } from '../cluster/cluster.ts'
export { ownMachines } from '../cluster/ours.ts'
export { claim } from '../gitops/claim.ts'
export { commitFiles } from '../gitops/commit.ts'
export { drain, uncordon } from '../kubernetes/drain.ts'
export { membersNow } from '../kubernetes/nodes.ts'
export { restartDroplet } from '../machines/scale/resize.ts'
export { askingFlags, clusterFlags } from './flags.ts'
export { run } from './run.ts'

/** A cluster that runs: its description, the way to its API, and its buckets, to be read. */
export interface Open {
  cluster: Cluster
  kube: Kube
  buckets: Buckets
}

/**
 * Opens a cluster that runs, from any machine with the two tokens; its kubeconfig goes with this run.
 * @throws Problem where there is none, or what is needed to open it is missing
 */
export async function openCluster(
  flags: { name?: string | undefined; repo?: string | undefined; yes?: boolean } = {},
): Promise<Open> {
  await ensureTools({ yes: flags.yes === true })
  const cluster = await describe({ name: flags.name, repo: flags.repo })
  await preflightReading(cluster)
  const address = await addressOf(cluster)
  const buckets = await needBuckets(cluster)
  const kit = await needKit(buckets, cluster.name)
  return { cluster, kube: { file: await runKubeconfig(cluster, kit, address.ip) }, buckets }
}
