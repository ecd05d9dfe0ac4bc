import { hint } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { GitHubRefusal } from '../clients/github-refusal.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type Application, applicationOf } from './application.ts'
import { commitFiles } from './commit.ts'
import type { HeldObject } from './held.ts'
import { applicationInGit } from './in-git.ts'
import { describedIn } from './manifest-files.ts'
import { type GitDifference, noDifference, type RemovedObject, removedFromGit } from './removed.ts'

/** What happens to objects that Git has deleted since the backup: `--git-removed`. */
export type GitRemovedChoice = 'revert' | 'keep' | 'drop'

const choices: Record<GitRemovedChoice, string> = {
  revert: 'a commit puts the files back into Git',
  keep: 'they come back, and Argo CD leaves them alone',
  drop: 'they do not come back',
}

const isChoice = (word: string): word is GitRemovedChoice => Object.keys(choices).includes(word)

/** Reads `--git-removed`. @throws Problem (exit code 2) for another word, or beside the original, where Git deletes nothing */
export function gitRemovedChoice(flags: {
  'git-removed': string | undefined
  as: string | undefined
}): GitRemovedChoice | undefined {
  const word = flags['git-removed']
  if (word === undefined) return undefined
  if (!isChoice(word))
    throw new Problem(`--git-removed ${word}: not one of ${Object.keys(choices).join(', ')}`, {
      cure: Object.entries(choices)
        .map(([name, what]) => `${name}: ${what}`)
        .join('; '),
      exitCode: 2,
    })
  if (flags.as !== undefined)
    throw new Problem('--git-removed and --as do not go together: Git deletes nothing of a copy', {
      cure: 'Drop one of them.',
      exitCode: 2,
    })
  return word
}

/** When a backup was made, and beside which commit, as far as it says. */
export interface BackupMoment {
  /** Of the branch main; a nightly backup records none. */
  commit?: string | undefined
  /** RFC 3339. */
  started?: string | undefined
}

/**
 * Finds what a backup holds and Git has removed since, for the cluster that a restore brings back.
 * @param held every object of the backup
 * @throws GitHubRefusal
 */
export async function gitDifference(
  cluster: Cluster,
  backup: BackupMoment,
  held: readonly HeldObject[],
): Promise<GitDifference> {
  const { github, place, repository } = cluster
  const head = repository && (await github.ref(place, 'heads/main'))
  if (!head) return noDifference
  const applied = [applicationInGit(cluster, 'platform'), applicationInGit(cluster, 'root')]
  const roots = (await Promise.all(applied)).flatMap(applicationsIn)
  const before = await commitsBeside(cluster, backup)
  return removedFromGit({ github, place, branch: repository.default_branch, roots, head, before, held })
}

const applicationsIn = (manifest: string): Application[] =>
  (describedIn(manifest) ?? []).flatMap(({ name, spec }) => applicationOf(name, spec, []) ?? [])

/** How long before a backup Git may have changed without Argo CD having looked: it does every three minutes. */
const unseen = 5 * 60_000

/** The commits of main whose content the cluster may have had when the backup was made, newest first. */
export async function commitsBeside(
  { github, place }: Pick<Cluster, 'github' | 'place'>,
  { commit, started }: BackupMoment,
): Promise<string[]> {
  const isThere = async (sha: string) => {
    try {
      await github.commit(place, sha)
      return true
    } catch (error) {
      // Somebody wrote the history anew.
      if (error instanceof GitHubRefusal && (error.status === 404 || error.status === 422)) return false
      throw error
    }
  }
  const at = Date.parse(started ?? '')
  const newest = async (time: number) =>
    (await github.commits(place, { from: 'main', until: new Date(time).toISOString() }))[0]?.sha
  const known = commit && /^[0-9a-f]{40}$/.test(commit) && (await isThere(commit)) ? commit : undefined
  const dated = Number.isNaN(at) ? [] : [known ?? (await newest(at)), await newest(at - unseen)]
  return [...new Set([known, ...dated])].filter((one) => one !== undefined)
}

/**
 * What stands against a restore: a problem for each commit that removed something, until the person has chosen; with
 * `revert`, what no commit of regrow's can put back.
 * @param again the flags with which the same command is to be given once more, such as `--backup latest`
 */
export function gitRemovedProblems(
  cluster: Cluster,
  { removed, unrestorable }: GitDifference,
  choice: GitRemovedChoice | undefined,
  again: readonly string[],
): Problem[] {
  if (choice === 'revert')
    return byCommit(unrestorable).map(
      ([name, all]) =>
        new Problem(
          `${name} cannot be reverted by regrow: ${listed(all)} stood in what it changed otherwise`,
          {
            cure: `Revert it yourself in a clone (git revert ${all[0]?.commit?.sha.slice(0, 7) ?? '<commit>'} && git push), then run: ${hint('restore.mts', cluster, ...again)}`,
          },
        ),
    )
  if (choice !== undefined) return []
  return byCommit(removed).map(([name, all]) => {
    const lines = Object.entries(choices).map(
      ([word, what]) => `      ${hint('restore.mts', cluster, ...again, '--git-removed', word)}  # ${what}`,
    )
    return new Problem(
      `${name} removed from Git what the backup holds, so Argo CD would delete it again: ${listed(all)}`,
      { cure: `Choose what happens to it:\n${lines.join('\n')}` },
    )
  })
}

/** Commits with what each removed, claims first: they have data. */
function byCommit(removed: readonly RemovedObject[]): [name: string, all: RemovedObject[]][] {
  const groups = new Map<string, RemovedObject[]>()
  for (const one of removed) {
    const name = one.commit
      ? `commit ${one.commit.sha.slice(0, 7)} “${one.commit.message.split('\n')[0]}” (${one.commit.author}, ${one.commit.date.slice(0, 10)})`
      : 'a commit that was not found'
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return [...groups]
}

function listed(all: readonly RemovedObject[]): string {
  const isClaim = ({ object }: RemovedObject) => object.resource === 'persistentvolumeclaims'
  return [...all.filter(isClaim), ...all.filter((one) => !isClaim(one))]
    .filter((one) => one.with === undefined || !isMadeAnew(one.object))
    .map(({ object: { kind, id, storage }, with: taker }) => {
      const name = storage ? `claim ${id} (${storage})` : `${kind} ${id}`
      return taker ? `${name}, with ${taker}` : name
    })
    .join('; ')
}

/** What everybody expects to be made anew is not worth a line. */
const isMadeAnew = ({ owned, resource, name }: HeldObject) =>
  owned ||
  (resource === 'configmaps' && name === 'kube-root-ca.crt') ||
  (resource === 'serviceaccounts' && name === 'default') ||
  ['endpoints', 'endpointslices.discovery.k8s.io'].includes(resource)

/**
 * Puts removed files back into Git as they were, in one commit; what somebody put back meanwhile stays as it is.
 * The lock must be held.
 * @throws Problem where GitHub takes no commit
 */
export async function revertRemoved(cluster: Cluster, { removed, restorable }: GitDifference): Promise<void> {
  if (restorable.size === 0) return
  const { github, place } = cluster
  const commits = [...new Set(removed.flatMap(({ commit }) => (commit ? [commit.sha.slice(0, 7)] : [])))]
  const message = `Bring back what ${commits.join(', ')} removed`
  let written: string[] = []
  try {
    await commitFiles(
      github,
      place,
      async (head) => {
        const there = await github.tree(place, (await github.commit(place, head)).tree.sha)
        const missing = [...restorable].filter(([path]) => !there.has(path))
        written = missing.map(([path]) => path)
        return Object.fromEntries(missing)
      },
      message,
    )
  } catch (error) {
    if (!(error instanceof GitHubRefusal)) throw error
    throw new Problem(`what Git removed could not be put back: ${error.message}`, {
      cure: 'Put the files back yourself, or choose --git-removed keep or drop.',
      cause: error,
    })
  }
  for (const path of written) tell('+', `file ${path}`, 'back in Git')
}

/**
 * The objects that lose Argo CD's mark before the app of apps comes, so that it deletes none of them: with `keep`, what
 * Git removed; always, what another Application brings by now.
 */
export function toStrip(
  { removed, moved }: GitDifference,
  choice: GitRemovedChoice | undefined,
): HeldObject[] {
  const kept = choice === 'keep' ? removed.filter((one) => one.with === undefined) : []
  return [...moved, ...kept.map(({ object }) => object)]
}

/** With `drop`, every object that is let go, with its reason for the proof: `Git has it no longer: commit 1a2b3c4`. */
export function dropped(
  { removed }: GitDifference,
  choice: GitRemovedChoice | undefined,
): { object: HeldObject; why: string }[] {
  if (choice !== 'drop') return []
  return removed.map(({ object, commit }) => ({
    object,
    why: `Git has it no longer${commit ? `: commit ${commit.sha.slice(0, 7)}` : ''}`,
  }))
}
