import { change } from '../base/change.ts'
import { isDryRun } from '../base/dry-run.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { waitFor } from '../base/wait.ts'
import { ensure } from '../clients/ensure.ts'
import type { Repository } from '../clients/github.ts'
import { GitHubRefusal } from '../clients/github-refusal.ts'
import { ToolFailure } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { descriptionPath, renderDescription } from '../cluster/description.ts'
import { lockChanges } from '../cluster/lock.ts'
import { commitFiles } from './commit.ts'
import { tryDeployKeys } from './deploy-keys.ts'
import { protectionOfMain } from './protection.ts'
import { goOnReadOnly, writtenIfTaken } from './read-only.ts'

/**
 * Claims the cluster: the repository is made (or found to be ours), the lock taken, and the description committed
 * before anything is bought. Creating the repository is the one atomic act there is before it exists.
 * @param readOnly whether the flow may go on, with a warning, where the repository can be read and not written
 * @param taken looks again, as soon as this run has the lock, at what must not have begun meanwhile
 */
export async function claim(
  cluster: Cluster,
  flow: string,
  flags: { 'steal-lock': boolean },
  { readOnly = false, taken }: { readOnly?: boolean; taken?: () => Promise<void> } = {},
): Promise<Repository> {
  const isNew = cluster.repository === undefined
  const repository = await ensureRepository(cluster)
  cluster.repository = repository
  if (isNew && !isDryRun()) await takesCommits(cluster, repository)
  if (readOnly) cluster.goesOn = 'without main'
  else await tryDeployKeys(cluster)
  if (!isDryRun()) {
    await firstCommit(cluster, repository)
    lockChanges(cluster.github, cluster.place, {
      flow,
      steal: flags['steal-lock'],
      taken: async () => {
        await readAgain(cluster)
        await taken?.()
      },
      without: readOnly ? (why) => goOnReadOnly(cluster, why) : undefined,
    })
  }
  await describeInGit(cluster)
  return repository
}

/**
 * Locks a cluster that is about to be removed; without a repository there is nothing to lock.
 * @param taken looks again, as soon as this run has the lock, at what must not have begun meanwhile
 */
export function lockForRemoval(
  cluster: Cluster,
  flags: { 'steal-lock': boolean },
  taken: () => Promise<void>,
): void {
  if (!cluster.repository || isDryRun()) return
  lockChanges(cluster.github, cluster.place, {
    flow: 'destroy',
    steal: flags['steal-lock'],
    taken,
  })
}

async function ensureRepository(cluster: Cluster): Promise<Repository> {
  const { github, place, login } = cluster
  return ensure({
    what: `repository ${place.owner}/${place.name}`,
    look: async () => {
      const found = await github.repository(place.owner, place.name)
      return found ? [found] : []
    },
    act: () =>
      change(`gh repo create ${place.owner}/${place.name} --private --add-readme`, async () => {
        try {
          await github.createRepository(place.name, place.owner === login ? undefined : place.owner)
        } catch (error) {
          throw asFailure(error, cluster)
        }
      }),
    imagined: imaginedRepository(place.owner, place.name),
  })
}

/** What an organisation does to new repositories shows once one is made: nothing else is made before it is known. */
async function takesCommits({ github, place, login }: Cluster, { permissions }: Repository): Promise<void> {
  const kept = await protectionOfMain(github, place, { login, isAdmin: permissions?.admin === true })
  if (!kept) return
  throw new Problem(`${kept.message}. The repository was made, and nothing else`, {
    ...(kept.cure ? { cure: `${kept.cure}. Then run the same command again.` } : {}),
  })
}

/**
 * A lost create is decided by looking, like a tool's; a missing permission or organisation is told at once. A token that is
 * bound to repositories can make none, but a person can.
 */
function asFailure(error: unknown, { original }: Cluster): unknown {
  if (error instanceof GitHubRefusal && error.status === 403)
    return new Problem(error.message, {
      cure: `${error.cure} Or make an empty private repository yourself, let the token have it, and name it with ${original ? '--as-repo' : '--repo'} OWNER/NAME.`,
      cause: error,
    })
  if (!(error instanceof GitHubRefusal) || [401, 403, 404].includes(error.status ?? 0)) return error
  return new ToolFailure('GitHub: create repository', null, error.message, error.status)
}

/**
 * A new repository's branch shows some seconds after its creation; an empty one gets its first file from us. GitHub
 * names the first branch as the account prefers: where that is not main, main starts from it.
 */
async function firstCommit({ github, place }: Cluster, { default_branch: first }: Repository): Promise<void> {
  let written = false
  await waitFor(
    { until: `branch main of ${place.owner}/${place.name} is there`, every: 2, within: 60 },
    async () => {
      if (await github.ref(place, 'heads/main')) return true
      const other = first === 'main' ? undefined : await github.ref(place, `heads/${first}`)
      try {
        if (other) {
          await github.createRef(place, 'heads/main', other)
          await github.makeDefault(place, 'main')
          tell('+', `branch main of ${place.owner}/${place.name}`, `from ${first}; it is the default now`)
          return true
        }
        if (written) return undefined
        written = true
        await github.writeFirstFile(place, 'README.md', `# ${place.name}\n`, 'First commit, by regrow')
      } catch (error) {
        if (!(error instanceof GitHubRefusal)) throw error
      }
      return undefined
    },
  )
}

/** What another run committed while this one waited for the answer to its question must not be overwritten. */
async function readAgain(cluster: Cluster): Promise<void> {
  const text = await cluster.github.file(cluster.place, descriptionPath(cluster.name))
  if (text !== cluster.committedText)
    throw new Problem(`${descriptionPath(cluster.name)} was changed by somebody else meanwhile`, {
      cure: `Run ${again()}: it starts from what is there now.`,
    })
}

/** Commits the description where it differs from what Git says; a person's comments stay while nothing differs. */
export async function describeInGit(cluster: Cluster): Promise<void> {
  const text = renderDescription(cluster.wanted)
  if (cluster.committed && renderDescription(cluster.committed) === text) return
  const written = await writtenIfTaken(cluster, `description ${descriptionPath(cluster.name)}`, () =>
    commitFiles(
      cluster.github,
      cluster.place,
      async () => {
        await readAgain(cluster)
        return { [descriptionPath(cluster.name)]: text }
      },
      cluster.committed ? `Change the description of ${cluster.name}` : `Describe cluster ${cluster.name}`,
    ),
  )
  if (written && !isDryRun()) {
    cluster.committed = cluster.wanted
    cluster.committedText = text
    tell('+', `description ${descriptionPath(cluster.name)}`)
  }
}

function imaginedRepository(owner: string, name: string): Repository {
  return {
    name,
    owner: { login: owner },
    private: true,
    html_url: `https://github.com/${owner}/${name}`,
    ssh_url: `git@github.com:${owner}/${name}.git`,
    clone_url: `https://github.com/${owner}/${name}.git`,
    default_branch: 'main',
  }
}
