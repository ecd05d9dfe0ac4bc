import type { Cluster } from '../cluster/cluster.ts'
import type { Chart } from '../cluster/versions.ts'
import { applicationOf, isApplication } from './application.ts'
import { describedIn } from './manifest-files.ts'
import { RepositoryReader } from './repository-tree.ts'

/**
 * The charts that the cluster's own Applications name in Git, where Argo CD will look for them: an earlier regrow, or a
 * person, may have written another address or version than this one would.
 */
export async function chartsInGit({ github, place, name, committed }: Cluster): Promise<Chart[]> {
  const head = committed && (await github.ref(place, 'heads/main'))
  if (!head) return []
  const tree = await new RepositoryReader(github, place).at(head)
  const own = new RegExp(`^clusters/${name}/[^/]+\\.yaml$`)
  const texts = await tree.texts(tree.paths().filter((path) => own.test(path)))
  const applications = [...texts.values()]
    .flatMap((text) => describedIn(text) ?? [])
    .filter(isApplication)
    .flatMap((one) => applicationOf(one.name, one.spec, []) ?? [])
  return applications
    .flatMap(({ sources }) => sources)
    .flatMap(({ chart, repoURL, targetRevision }) =>
      chart === undefined ? [] : [{ chart, repository: repoURL, version: targetRevision }],
    )
}
