import { tell } from '../../base/story.ts'
import type { Kube } from '../../clients/tools.ts'
import { unboundClaims } from '../../cluster/backup-rules.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { unboundClaimsPolicy } from '../../gitops/render.ts'
import { valuesOf } from '../../gitops/repository-values.ts'
import { applyForArgoCd, kubectlRepeated } from '../../kubernetes/repeated.ts'

/**
 * Makes sure of the resource policy that a backup names: Velero refuses a backup whose policy is not there. Git brings
 * it; a cluster that an earlier regrow grew, or whose file was removed, has none. What is there stays as it is.
 * @throws ToolFailure
 */
export async function ensurePolicy(kube: Kube, cluster: Cluster): Promise<void> {
  const found = await kubectlRepeated(
    kube,
  )`get configmaps ${unboundClaims} -n velero --ignore-not-found -o name`
  if (found.text.trim() !== '') return
  await applyForArgoCd(kube, unboundClaimsPolicy(valuesOf(cluster, '')))
  tell('+', 'backups', `ConfigMap velero/${unboundClaims}: Git did not bring it`)
}
