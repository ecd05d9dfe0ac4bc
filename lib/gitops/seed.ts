import { change } from '../base/change.ts'
import { isDryRun } from '../base/dry-run.ts'
import { tell } from '../base/story.ts'
import type { ReservedIp } from '../clients/digitalocean-types.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { versionsOf } from '../cluster/versions.ts'
import type { Kit } from '../store/kit.ts'
import { commitFiles } from './commit.ts'
import { withCopies } from './copies.ts'
import { ensureDeployKey } from './deploy-keys.ts'
import { areExactly, blobsOf, type Drift, drift, seeded } from './drift.ts'
import { writtenIfTaken } from './read-only.ts'
import { renderRepository } from './render.ts'
import { valuesOf } from './repository-values.ts'

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
  const values = valuesOf(cluster, address)
  const started = performance.now()
  const blobsAt = async (ref: string) => blobsOf(github, place, await github.ref(place, ref))
  const [before, now] = await Promise.all([blobsAt(seeded), blobsAt('heads/main')])
  // What upstream has no longer is read where its copy lies.
  const wanted = withCopies(renderRepository(values), (path) => now.has(path), {
    ...values,
    versions: versionsOf(cluster.wanted.versions),
  })
  const found = await drift(github, place, wanted, { before, there: now })
  for (const one of found.filter((each) => each.kind !== 'ours')) tellEdit(one)
  const changes = found.filter((one) => one.kind === 'ours')
  if (changes.length === 0)
    tell('=', 'manifests', `${Object.keys(wanted).length} files in ${place.owner}/${place.name}`)
  else {
    if (before.size > 0) for (const { path } of changes) tell('~', path, 'regrow writes it anew')
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
