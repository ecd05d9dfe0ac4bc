import { names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { bucketPlaces, type Cluster } from '../../cluster/cluster.ts'
import { forbiddenKeys, hasDeployKey } from '../../gitops/deploy-keys.ts'
import { applicationInGit, argocdInGit } from '../../gitops/in-git.ts'
import { protectionOfMain, protectionToCome } from '../../gitops/protection.ts'
import { filesOf, foreignIn } from '../../gitops/whose-repository.ts'
import { missingBuckets } from '../../store/existence.ts'
import { ofAnotherAccount } from '../../store/other-account.ts'
import type { Check } from './check.ts'
import { mayHaveBuckets } from './machine-checks.ts'

/**
 * A cluster whose machines are there is described somewhere: without `--repo` another repository would be made beside it,
 * with a lock of its own.
 */
export const repositoryIsNamed: Check = async ({ repository, place, name }, own) => {
  const [first] = own.droplets
  if (repository || !first) return []
  return [
    new Problem(
      `droplet ${first.name} of cluster ${name} is there, and ${place.owner}/${place.name} is not`,
      {
        cure: 'Name its repository with --repo OWNER/NAME. Is that lost for good? Make an empty private one of this name: regrow fills it again.',
      },
    ),
  ]
}

/**
 * GitHub accepts a deploy key in only one repository, and a cluster's kit has one: while that is in the repository of the
 * usual name, no other can take its place. Without buckets there is no kit yet, and a key there is of an earlier one.
 */
export const deployKeyIsFree: Check = async (cluster, own) => {
  const { github, place, repository, login = '', name } = cluster
  // repositoryIsNamed tells.
  if (!repository && own.droplets.length > 0) return []
  const usual = { owner: login, name: names.repository(name) }
  if (place.owner === usual.owner && place.name === usual.name) return []
  const [there, here] = await Promise.all([usual, place].map((one) => hasDeployKey(github, one, name)))
  if (!there || here) return []
  if (!mayHaveBuckets(cluster.wanted)) return []
  const places = bucketPlaces(cluster)
  if (places.spaces && (await missingBuckets(places)).includes(places.kit)) return []
  const full = `${usual.owner}/${usual.name}`
  const other = `${place.owner}/${place.name}`
  return [
    new Problem(
      `cluster ${name} has its deploy key in ${full}, and GitHub takes it in no second repository, ${other}`,
      {
        cure:
          own.droplets.length > 0
            ? 'Omit --repo.'
            : `Omit --repo. Or is ${other} to take its place? Then first remove the deploy key “argocd ${name}” from ${full} (Settings, Deploy keys).`,
      },
    ),
  ]
}

/** An organisation may forbid deploy keys, as new ones do; then Argo CD cannot read the repository. */
export const deployKeysAreAllowed: Check = async ({ github, place, login }) =>
  place.owner !== login && (await github.deployKeysAllowed(place.owner)) === false
    ? [forbiddenKeys(place)]
    : []

/** What it describes lives in the account that the token opens. */
export const accountIsTheSame: Check = async (cluster) => [await ofAnotherAccount(cluster)]

/** The token may write to it, and no rule keeps its commits from main: that is known before anything is made. */
export const repositoryIsWritable: Check = async ({ github, place, repository, login }) => {
  if (repository?.permissions && !repository.permissions.push)
    return [
      new Problem(`the GitHub token may not write to ${place.owner}/${place.name}`, {
        cure: 'Give it Contents and Administration, read and write.',
      }),
    ]
  if (repository)
    return [await protectionOfMain(github, place, { login, isAdmin: repository.permissions?.admin === true })]
  return place.owner === login ? [] : [await protectionToCome(github, place)]
}

/** What regrow applies from the repository itself can be applied. */
export const appliedFilesAreRight: readonly Check[] = [
  (cluster: Cluster) => applicationInGit(cluster, 'platform'),
  (cluster: Cluster) => applicationInGit(cluster, 'root'),
  (cluster: Cluster) => argocdInGit(cluster),
].map((read) => async (cluster) => {
  if (cluster.repository) await read(cluster)
  return []
})

/** It is private, and holds this or nothing else. */
export const repositoryIsOurs: Check = async ({ github, place, repository, committed }) => {
  if (!repository) return []
  const full = `${place.owner}/${place.name}`
  if (!repository.private)
    return [
      new Problem(`repository ${full} is public`, { cure: 'Make it private, or name another with --repo.' }),
    ]
  if (committed) return []
  const foreign = foreignIn(await filesOf({ github, place }))
  return foreign.length > 0
    ? [
        new Problem(`repository ${full} holds something else (${foreign.slice(0, 3).join(', ')})`, {
          cure: 'Name an empty one, or one that does not exist yet, with --repo.',
        }),
      ]
    : []
}
