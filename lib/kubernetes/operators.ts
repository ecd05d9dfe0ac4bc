import { z } from 'zod'
import { isDryRun } from '../base/dry-run.ts'
import { tell } from '../base/story.ts'
import { type Kube, ToolFailure } from '../clients/tools.ts'
import { optOut } from '../cluster/backup-rules.ts'
import { kubectlRepeated } from './repeated.ts'

/** The binding by which the group of the kubeconfigs of now may do everything. */
export const operatorBinding = 'regrow-operators'

const binding = z.object({
  subjects: z.array(z.object({ kind: z.string(), name: z.string() })).default([]),
  roleRef: z.object({ name: z.string() }),
})

/**
 * Makes sure that the kubeconfigs of this group open the cluster, and those of an earlier one do not.
 * @throws ToolFailure when the API does not answer
 */
export async function ensureOperators(kube: Kube, group: string): Promise<void> {
  const found = await kubectlRepeated(
    kube,
  )`get clusterrolebinding ${operatorBinding} --ignore-not-found -o json`
  const before = found.text.trim() === '' ? undefined : found.json(binding)
  const names = before?.subjects.map(({ kind, name }) => `${kind} ${name}`).join()
  if (before?.roleRef.name === 'cluster-admin' && names === `Group ${group}`) return
  const api = 'rbac.authorization.k8s.io'
  const wanted = {
    ...{ apiVersion: `${api}/v1`, kind: 'ClusterRoleBinding' },
    // The next cluster gets its own: one that comes back from a backup could let an earlier group in.
    metadata: { name: operatorBinding, labels: { [optOut]: 'true' } },
    roleRef: { apiGroup: api, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: api, kind: 'Group', name: group }],
  }
  // Its role cannot be changed, and merged subjects might leave an earlier group in.
  if (before) await kubectlRepeated(kube)`delete clusterrolebinding ${operatorBinding} --ignore-not-found`
  await kubectlRepeated(
    kube,
    JSON.stringify(wanted),
  )`apply --server-side --force-conflicts --field-manager regrow -f -`
  if (before && !isDryRun()) tell('~', 'kubeconfigs', `only those of ${group} count now`)
}

/** {@link ensureOperators} for a kubeconfig that is of use later too: a cluster that does not answer is only told. */
export async function bindOperators(kube: Kube, group: string): Promise<void> {
  try {
    await ensureOperators(kube, group)
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    tell('!', 'the cluster does not answer', 'if it then refuses this kubeconfig, run the same command again')
  }
}
