import { Problem } from '../base/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { descriptionPath } from '../cluster/description.ts'

/** The paths of all files on main; none where there is no main. */
export async function filesOf({ github, place }: Pick<Cluster, 'github' | 'place'>): Promise<string[]> {
  const head = await github.ref(place, 'heads/main')
  if (!head) return []
  return [...(await github.tree(place, (await github.commit(place, head)).tree.sha)).keys()]
}

/** Files of a repository that regrow would not have made; none where it has made the rest. */
export const foreignIn = (paths: readonly string[]): string[] =>
  paths.includes('applications/platform.yaml')
    ? []
    : paths.filter((path) => path !== 'README.md' && !path.startsWith('clusters/'))

/**
 * Why a repository does not go with a cluster, as it is at this moment: it describes others as well, or something else is in
 * it. Undefined where it may go.
 */
export async function whyItStays({
  github,
  place,
  name,
}: Pick<Cluster, 'github' | 'place' | 'name'>): Promise<Problem | undefined> {
  const paths = await filesOf({ github, place })
  const described = paths.flatMap((path) => /^clusters\/([^/]+)\/cluster\.yaml$/.exec(path)?.[1] ?? [])
  const others = described.filter((one) => one !== name)
  const foreign = foreignIn(paths)
  const is =
    others.length > 0
      ? `describes ${others.join(' and ')}, too`
      : !paths.includes(descriptionPath(name)) && foreign.length > 0
        ? `holds something else (${foreign.slice(0, 3).join(', ')})`
        : undefined
  return is === undefined
    ? undefined
    : new Problem(`repository ${place.owner}/${place.name} ${is}: it is not deleted`, {
        cure: 'Omit --with-repository. Or name the cluster’s own with --repo OWNER/NAME.',
      })
}
