import type { Cluster } from '../cluster/cluster.ts'
import { describedIn } from './manifest-files.ts'
import { RepositoryReader } from './repository-tree.ts'

/**
 * The SealedSecrets that main holds for a cluster, as `namespace/name`: only the kit has the key that opens them. What
 * lies below `clusters/` is of the cluster that the folder names.
 * @throws GitHubRefusal
 */
export async function sealedSecretsInGit({
  github,
  place,
  repository,
  name: cluster,
}: Pick<Cluster, 'github' | 'place' | 'repository' | 'name'>): Promise<string[]> {
  const head = repository && (await github.ref(place, 'heads/main'))
  if (!head) return []
  const tree = await new RepositoryReader(github, place).at(head)
  const own = tree
    .paths()
    .filter((path) => /\.(ya?ml|json)$/.test(path))
    .filter((path) => !path.startsWith('clusters/') || path.startsWith(`clusters/${cluster}/`))
  const texts = await tree.texts(own)
  return [...texts.values()]
    .flatMap((text) => describedIn(text) ?? [])
    .filter(({ group, kind }) => group === 'bitnami.com' && kind === 'SealedSecret')
    .map(({ namespace, name }) => (namespace ? `${namespace}/${name}` : name))
    .toSorted()
}

/** `2 SealedSecrets in bob/regrow-main (shop/database, shop/pin)`; undefined for none. */
export function sealedText({ place }: Pick<Cluster, 'place'>, sealed: readonly string[]): string | undefined {
  if (sealed.length === 0) return undefined
  const what = sealed.length === 1 ? '1 SealedSecret' : `${sealed.length} SealedSecrets`
  return `${what} in ${place.owner}/${place.name} (${sealed.join(', ')})`
}
