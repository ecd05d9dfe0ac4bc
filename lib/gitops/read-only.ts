import { tell } from '../base/story.ts'
import { GitHubRefusal } from '../clients/github-refusal.ts'
import type { Cluster } from '../cluster/cluster.ts'

/**
 * A run that goes on though the lock could not be moved: on the bad day a token that may only read, or GitHub's own
 * trouble, must not keep the data away. Says what is not protected then.
 */
export function goOnReadOnly(cluster: Cluster, why: GitHubRefusal): void {
  cluster.unwritten = new Set()
  cluster.goesOn = 'without GitHub'
  tell(
    '!',
    'lock',
    `could not be moved, so this run goes on without it (${why.message})\n` +
      '    NOT protected: a second run would not be kept out. Start none, on any computer, until this one has ended.\n' +
      '    NOT in Git while GitHub refuses: a machine’s new number, and manifests that this version of regrow would change.',
  )
}

/**
 * Writes to the repository; in a run that goes on without being able to, a refusal is named and looked past.
 * @param what is written, as a person would look for it
 * @param where a commit to main may be refused by a rule alone, with everything else in order
 * @returns whether it is written
 */
export async function writtenIfTaken(
  cluster: Pick<Cluster, 'unwritten' | 'goesOn'>,
  what: string,
  write: () => Promise<unknown>,
  where: 'main' | 'elsewhere' = 'main',
): Promise<boolean> {
  try {
    await write()
    cluster.unwritten?.delete(what)
    return true
  } catch (error) {
    const goesOn =
      cluster.goesOn === 'without GitHub' || (cluster.goesOn === 'without main' && where === 'main')
    if (!goesOn || !(error instanceof GitHubRefusal)) throw error
    cluster.unwritten ??= new Set()
    cluster.unwritten.add(what)
    tell('!', what, `not written (${error.message})`)
    return false
  }
}
