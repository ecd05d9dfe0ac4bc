import { change, noteChange } from '../base/change.ts'
import { backoff } from '../base/wait.ts'
import type { Files, GitHub, Place } from '../clients/github.ts'
import { GitHubRefusal } from '../clients/github-refusal.ts'

/**
 * Commits files onto the default branch in one commit; what is already so is left out, and nothing is written when
 * nothing differs. Somebody else's push in between is taken as the new base, and what to write is asked again for it.
 * @param filesFor the files to write onto that commit of the branch
 * @returns the branch's commit afterwards; undefined in a dry run
 */
export async function commitFiles(
  github: GitHub,
  place: Place,
  filesFor: (head: string) => Promise<Files>,
  message: string,
): Promise<string | undefined> {
  let head: string | undefined
  await change(`git commit -m '${message}' # in ${place.owner}/${place.name}`, async () => {
    for (let attempt = 1; ; attempt++) {
      head = await github.ref(place, 'heads/main')
      if (!head) throw new Error(`${place.owner}/${place.name} has no branch main`)
      const { tree } = await github.commit(place, head)
      const files = await filesFor(head)
      if (Object.keys(files).length === 0) return
      const written = await github.writeTree(place, tree.sha, files)
      if (written === tree.sha) return
      const sha = await github.writeCommit(place, message, written, [head])
      try {
        await github.moveRef(place, 'heads/main', sha)
        head = sha
        return
      } catch (error) {
        // Lost answer or somebody's push: look at the branch again before the next attempt.
        if (!(error instanceof GitHubRefusal) || attempt === 4) throw error
        const now = await github.ref(place, 'heads/main')
        if (now === sha) {
          head = sha
          return
        }
        // Nobody was faster: a rule keeps main, and goes on doing so.
        if (now === head && !error.mayHeal) throw error
        await backoff(attempt)
      }
    }
  })
  noteChange()
  return head
}
