import { Problem } from '../../base/problem.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Inventory } from '../../cluster/ours.ts'
import { type Lost, lostUpstream, recordDigests, titleOf } from '../../cluster/upstream.ts'
import { upstreamFiles, versionsOf } from '../../cluster/versions.ts'
import { chartsInGit } from '../../gitops/chart-sources.ts'
import { readersOf, readInGit } from '../../gitops/copies.ts'
import { type Copying, copiesToMake } from '../../gitops/copy-upstream.ts'
import { RepositoryReader } from '../../gitops/repository-tree.ts'
import { openBuckets } from '../../store/buckets.ts'
import { keptCopy } from '../../store/upstream.ts'
import type { Check } from './check.ts'
import { repositoryIsWritable } from './repository-checks.ts'

/**
 * Everything that this run needs of upstream can be had; its digests go into the description. A first server needs all
 * of it anew, where Git says that it is, and any other machine k3s. What upstream serves no longer is taken from the kit's
 * bucket, where that has it with the recorded digest.
 * @param kit where it may be kept; the cluster's own unless told
 */
export const upstreamCheck =
  (kit?: Bucket): Check =>
  async (cluster, own) => {
    const recorded = await recordDigests(cluster)
    const isThere = ({ name }: { name: string }) => own.droplets.some((one) => one.name === name)
    const [first, ...others] = cluster.wanted.nodes
    if (first && isThere(first) && others.every(isThere)) return []
    const inGit = await chartsInGit(cluster)
    const needed = first && isThere(first) ? ['k3s'] : await readFromUpstream(cluster)
    const lost = await lostUpstream(
      cluster,
      needed.filter((name) => !recorded.includes(name) || inGit.some(({ chart }) => chart === name)),
      inGit,
    )
    if (lost.length === 0) return []
    const bucket = kit ?? (await openBuckets(cluster, 'read'))?.kit
    const found = await Promise.all(lost.map((one) => inKit(cluster, bucket, one)))
    const kept = lost.filter((_, at) => found[at] === undefined)
    cluster.fromKit = new Map(kept.map(({ file, why }) => [file.name, why]))
    const copies = await copiesToMake(cluster)
    for (const { file } of copies)
      cluster.fromKit.set(file.name, `${cluster.fromKit.get(file.name)}; its copy goes into Git`)
    return [...found, ...(await gitTakes(cluster, own, copies))]
  }

/** What the first server and its Argo CD fetch there: all but what Git reads from a copy of its own. */
async function readFromUpstream(cluster: Cluster): Promise<string[]> {
  const { github, place, committed, name } = cluster
  const versions = versionsOf(cluster.wanted.versions)
  const all = upstreamFiles(versions).map((file) => file.name)
  const head = committed && (await github.ref(place, 'heads/main'))
  if (!head) return all
  const tree = await new RepositoryReader(github, place).at(head)
  const where = { cluster: name, sshUrl: '', versions }
  const copied: string[] = []
  for (const reader of readersOf(name, versions)) {
    const text = (await tree.texts([reader.path])).get(reader.path)
    const isRead = text === undefined || readInGit(text, reader.name, where) !== text
    if (tree.blob(reader.copy) !== undefined && !isRead) copied.push(reader.name)
  }
  // The first server applies Argo CD's chart itself.
  return all.filter((one) => one === 'argo-cd' || !copied.includes(one))
}

/** Why the kit's bucket cannot help out; undefined where it can. */
async function inKit(
  cluster: Cluster,
  kit: Bucket | undefined,
  { file, why, problem }: Lost,
): Promise<Problem | undefined> {
  try {
    return kit && (await keptCopy(cluster, kit, file)) ? undefined : problem
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return new Problem(`${error.message}, and ${why}`, {
      ...(error.cure ? { cure: error.cure } : {}),
      cause: error,
    })
  }
}

/** Where Argo CD has to read copies, Git must take the commit that brings them. */
async function gitTakes(
  cluster: Cluster,
  own: Inventory,
  copies: Copying[],
): Promise<(Problem | undefined)[]> {
  if (copies.length === 0) return []
  const versions = versionsOf(cluster.wanted.versions)
  const titles = copies.map(({ file }) => titleOf(file, versions)).join(', ')
  return (await repositoryIsWritable(cluster, own)).map(
    (one) =>
      one &&
      new Problem(
        `${titles}: upstream has it no longer, so Argo CD must read a copy in Git. But ${one.message}`,
        { ...(one.cure ? { cure: one.cure } : {}), cause: one },
      ),
  )
}

/** What a run takes from the kit's bucket, one line each for its plan. */
export function fromKitLines({ fromKit, wanted }: Pick<Cluster, 'fromKit' | 'wanted'>): string[] {
  const versions = versionsOf(wanted.versions)
  return upstreamFiles(versions).flatMap((file) => {
    const remark = fromKit?.get(file.name)
    return remark === undefined ? [] : [`${titleOf(file, versions)}: from your kit, ${remark}`]
  })
}
