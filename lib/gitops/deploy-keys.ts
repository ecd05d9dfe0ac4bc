import { makeSshKeyPair } from '#cloud-init/index.ts'
import { change } from '../base/change.ts'
import { isDryRun } from '../base/dry-run.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { ensure } from '../clients/ensure.ts'
import type { GitHub, Place } from '../clients/github.ts'
import { GitHubRefusal } from '../clients/github-refusal.ts'
import { ToolFailure } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'

const titleOf = (cluster: string) => `argocd ${cluster}`

/**
 * Whether a repository has the deploy key of a cluster's Argo CD, told by its title; undefined where GitHub does not
 * let the token look, or there is no such repository.
 */
export async function hasDeployKey(
  github: GitHub,
  place: Place,
  cluster: string,
): Promise<boolean | undefined> {
  try {
    return (await github.deployKeys(place)).some((key) => key.title === titleOf(cluster))
  } catch (error) {
    if (!(error instanceof GitHubRefusal)) throw error
    return undefined
  }
}

/** What to do where an organisation forbids deploy keys, as new ones do. */
export const forbiddenKeys = ({ owner, name }: Place): Problem =>
  new Problem(`organisation ${owner} forbids deploy keys, and Argo CD reads ${owner}/${name} with one`, {
    cure: `Allow them at https://github.com/organizations/${owner}/settings/member_privileges (“Deploy keys”), and run ${again()}. Or name a repository of your own with --repo.`,
  })

const isForbidden = (error: unknown) =>
  error instanceof GitHubRefusal && error.status === 422 && /deploy keys are disabled/i.test(error.message)

/**
 * Adds a deploy key to an organisation's repository and removes it again, where GitHub does not tell whether it takes any:
 * nothing else is made before it is known.
 * @throws Problem where it takes none
 */
export async function tryDeployKeys({ github, place, login, name }: Cluster): Promise<void> {
  if (place.owner === login || isDryRun() || (await hasDeployKey(github, place, name))) return
  if ((await github.deployKeysAllowed(place.owner)) !== undefined) return
  const title = 'regrow tries whether deploy keys may be added'
  try {
    await github.addDeployKey(place, title, makeSshKeyPair(title).publicKey)
  } catch (error) {
    if (isForbidden(error)) throw forbiddenKeys(place)
    throw error
  }
  for (const key of await github.deployKeys(place))
    if (key.title === title) await github.removeDeployKey(place, key.id)
}

/** The read-only key of Argo CD. Deleting the token that made it deletes it too; then it is made again. */
export async function ensureDeployKey({ github, place, name }: Cluster, publicKey: string): Promise<void> {
  const body = (text: string) => text.split(' ').slice(0, 2).join(' ')
  const title = titleOf(name)
  // In a dry run the repository may be imagined.
  const keys = async () =>
    isDryRun() && !(await github.repository(place.owner, place.name)) ? [] : github.deployKeys(place)
  await ensure({
    what: `deploy key of ${place.owner}/${place.name}`,
    look: async () => (await keys()).filter((key) => body(key.key) === body(publicKey)),
    act: async () => {
      // One of a kit that is no more: a rehearsal's repository would gather them.
      const stale = (await keys()).filter((key) => key.title === title)
      for (const { id, key } of stale.filter((one) => body(one.key) !== body(publicKey)))
        await change(`gh repo deploy-key delete ${id} # ${body(key)}`, () =>
          github.removeDeployKey(place, id),
        )
      await change(`gh repo deploy-key add --title '${title}' # read-only`, async () => {
        try {
          await github.addDeployKey(place, title, publicKey)
        } catch (error) {
          if (isForbidden(error)) throw forbiddenKeys(place)
          if (error instanceof GitHubRefusal && error.status !== 403)
            throw new ToolFailure('GitHub: add deploy key', null, error.message, error.status)
          throw error
        }
      })
    },
    detail: () => 'read-only',
    cure: `GitHub accepts a deploy key in only one repository. Where another one describes cluster ${name}, name that with --repo OWNER/NAME; otherwise fix what it says and run ${again()}.`,
    imagined: { id: 0, key: publicKey, title, read_only: true },
  })
}
