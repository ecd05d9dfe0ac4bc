import type { Cluster } from '../cluster/cluster.ts'

/** Says where a described cluster’s repository has another default branch than the one that regrow writes to. */
export function movedBranch({
  committed,
  repository,
  place,
}: Pick<Cluster, 'committed' | 'repository' | 'place'>): string | undefined {
  const branch = repository?.default_branch
  return committed && branch !== undefined && branch !== 'main'
    ? `${branch} is the default branch of ${place.owner}/${place.name}: regrow and Argo CD use main, so commit there`
    : undefined
}
