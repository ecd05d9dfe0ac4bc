import { again, command } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { ToolFailure } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { lockChanges } from '../cluster/lock.ts'
import { openBuckets } from '../store/buckets.ts'
import type { Kit } from '../store/kit.ts'
import { nextOperatorGroup } from '../store/operators.ts'
import { runKubeconfig } from './kubeconfig.ts'
import { ensureOperators } from './operators.ts'

/**
 * Ends every kubeconfig that was handed out before, wherever it is: they belong to a group that the cluster does not let in
 * any more.
 * @returns the group of those to come
 * @throws Problem where the cluster does not answer: nothing has changed then
 */
export async function revokeKubeconfigs(
  cluster: Cluster,
  { kit, address, group }: { kit: Kit; address: string; group: string },
  flags: { 'steal-lock': boolean },
): Promise<string> {
  const kube = { file: await runKubeconfig(cluster, kit, address) }
  await ensureOperators(kube, group).catch((cause: unknown) => {
    if (!(cause instanceof ToolFailure)) throw cause
    throw new Problem('the cluster does not answer: no kubeconfig was revoked', {
      cure: `Wait until it does (${command('scripts/status.mts')} tells), then run ${again()}. Nobody gets in meanwhile either.`,
      cause,
    })
  })
  // A run that began before would let the earlier group in again.
  lockChanges(cluster.github, cluster.place, {
    flow: 'kubeconfig',
    steal: flags['steal-lock'],
    taken: async () => {},
  })
  const buckets = await openBuckets(cluster, 'readwrite')
  if (!buckets) throw new Problem(`the buckets of ${cluster.name} are gone`, { cure: 'Look at the account.' })
  const next = await nextOperatorGroup(buckets)
  await ensureOperators(kube, next)
  return next
}
