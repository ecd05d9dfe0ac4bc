import { change } from '../change.ts'
import type { ReservedIp } from '../clients/digitalocean-types.ts'
import type { GitHub, Place } from '../clients/github.ts'
import { GitHubRefusal } from '../clients/github-refusal.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isDryRun } from '../dry-run.ts'
import { ensure } from '../ensure.ts'
import { again } from '../hint.ts'
import type { Kit } from '../store/kit.ts'
import { tell } from '../story.ts'
import { ToolFailure } from '../tools.ts'
import { commitFiles } from './commit.ts'
import { areExactly, blobsOf, type Drift, drift } from './drift.ts'
import { writtenIfTaken } from './read-only.ts'
import { renderRepository } from './render.ts'
import { valuesOf } from './repository-values.ts'

// Points at what regrow wrote last, so that a person's edits can be told from a newer regrow's changes.
const seeded = 'regrow/seeded'

/** Whether a person took the sample out of Git: then nobody waits for its claim. */
export async function sampleIsRemoved({ github, place, repository }: Cluster): Promise<boolean> {
  if (!repository || !(await github.ref(place, seeded))) return false
  return (await github.file(place, 'storage/pvc.yaml')) === undefined
}

/**
 * Brings the manifests into the repository, and the key with which Argo CD reads it. A person's edits stay: they are
 * named, and where regrow would have written something else it is said.
 */
export async function seed(cluster: Cluster, kit: Kit, address: ReservedIp): Promise<void> {
  const where = `${cluster.place.owner}/${cluster.place.name}`
  await Promise.all([
    writtenIfTaken(cluster, `manifests in ${where}`, () => seedManifests(cluster, address.ip)),
    writtenIfTaken(
      cluster,
      `deploy key of ${where}`,
      () => ensureDeployKey(cluster, kit.deploy.publicKey),
      'elsewhere',
    ),
  ])
}

async function seedManifests(cluster: Cluster, address: string): Promise<void> {
  const { github, place } = cluster
  const wanted = renderRepository(valuesOf(cluster, address))
  const started = performance.now()
  const blobsAt = async (ref: string) => blobsOf(github, place, await github.ref(place, ref))
  const [before, now] = await Promise.all([blobsAt(seeded), blobsAt('heads/main')])
  const found = await drift(github, place, wanted, { before, there: now })
  for (const one of found.filter((each) => each.kind !== 'ours')) tellEdit(one)
  const changes = found.filter((one) => one.kind === 'ours')
  if (changes.length === 0)
    tell('=', 'manifests', `${Object.keys(wanted).length} files in ${place.owner}/${place.name}`)
  else {
    const files = async (head: string) =>
      Object.fromEntries(
        (await drift(github, place, wanted, { before, there: await blobsOf(github, place, head) }))
          .filter((one) => one.kind === 'ours')
          .map((one) => [one.path, wanted[one.path]]),
      )
    await commitFiles(github, place, files, `Seed cluster ${cluster.name}: ${changes.length} files`)
    if (!isDryRun())
      tell(
        '+',
        'manifests',
        `${changes.length} files in ${place.owner}/${place.name}`,
        (performance.now() - started) / 1000,
      )
  }
  if (!areExactly(before, wanted)) await recordSeed(cluster, wanted)
}

/** Keeps what was rendered as a commit of its own, reachable by a ref that nobody else reads. */
async function recordSeed({ github, place }: Cluster, wanted: Record<string, string>): Promise<void> {
  const before = await github.ref(place, seeded)
  await change(`git update-ref refs/${seeded}`, async () => {
    const tree = await github.writeTree(place, undefined, wanted)
    const sha = await github.writeCommit(place, 'What regrow wrote', tree, before ? [before] : [])
    if (before) await github.moveRef(place, seeded, sha)
    else await github.createRef(place, seeded, sha)
  })
}

function tellEdit(one: Drift): void {
  if (one.kind === 'edited') tell('·', one.path, 'edited by you: kept')
  else if (one.kind === 'removed') tell('·', one.path, 'removed by you: stays removed')
  else tell('!', one.path, `edited by you and changed by regrow: yours is kept\n${one.difference}`)
}

const deployKeyTitle = (cluster: string) => `argocd ${cluster}`

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
    return (await github.deployKeys(place)).some((key) => key.title === deployKeyTitle(cluster))
  } catch (error) {
    if (!(error instanceof GitHubRefusal)) throw error
    return undefined
  }
}

/** The read-only key of Argo CD. Deleting the token that made it deletes it too; then it is made again. */
async function ensureDeployKey({ github, place, name }: Cluster, publicKey: string): Promise<void> {
  const body = (text: string) => text.split(' ').slice(0, 2).join(' ')
  const title = deployKeyTitle(name)
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
