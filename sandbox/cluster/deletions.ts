import type { Cluster } from './cluster.ts'
import { resourceOf } from './kinds.ts'
import { Refusal } from './refusal.ts'
import { at, listAt, type Thing, textAt, textsAt } from './tree.ts'

/**
 * Refuses what a ValidatingAdmissionPolicy forbids Argo CD to delete. Of CEL it reads one condition, on who asks, and one
 * validation, on the annotation that allows it: those of a repository that regrow seeded, which the real API server reads
 * in test/real/cluster.
 * @throws Refusal 422, worded as Kubernetes does
 */
export function admitDeletion({ store }: Cluster, thing: Thing): void {
  const kind = store.kindOf(thing)
  const options = thing.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? ''
  if (options.includes('Prune=true')) return
  for (const binding of store.list('ValidatingAdmissionPolicyBinding')) {
    const policy = store.find('ValidatingAdmissionPolicy', undefined, textAt(binding, 'spec', 'policyName'))
    if (!policy || !textsAt(binding, 'spec', 'validationActions').includes('Deny')) continue
    const matches = listAt(policy, 'spec', 'matchConstraints', 'resourceRules').some(
      (rule) =>
        textsAt(rule, 'operations').includes('DELETE') &&
        textsAt(rule, 'apiGroups').includes(kind.group) &&
        textsAt(rule, 'resources').includes(kind.plural),
    )
    if (!matches || !isOurs(policy)) continue
    const { name } = thing.metadata
    throw new Refusal(
      422,
      'Invalid',
      `${resourceOf(kind)} "${name}" is forbidden: ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: Git no longer has it`,
    )
  }
}

const isOurs = (policy: Thing) =>
  /argocd-application-controller/.test(JSON.stringify(at(policy, 'spec', 'matchConditions'))) &&
  /Prune=true/.test(JSON.stringify(at(policy, 'spec', 'validations')))
