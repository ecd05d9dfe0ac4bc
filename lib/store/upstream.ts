import { change } from '../base/change.ts'
import { isDryRun } from '../base/dry-run.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { fetchPinned, sha256, titleOf, versionOf } from '../cluster/upstream.ts'
import { type UpstreamFile, upstreamFiles, versionsOf } from '../cluster/versions.ts'

const prefix = 'upstream/'

/** Mebibytes, one digit behind the point. */
export const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`

/**
 * Where the kit's bucket keeps a file of upstream, so that a person who lists it sees what it is: only bytes with this
 * SHA-256 count there. Undefined where the description records none.
 */
export function keptKey({ wanted }: Pick<Cluster, 'wanted'>, file: UpstreamFile): string | undefined {
  const digest = wanted.digests[file.name]
  const version = versionOf(file, versionsOf(wanted.versions)).replace('+', '-')
  return digest && `${prefix}${file.name}/${version}/${digest}`
}

/** What of a cluster's upstream the kit's bucket keeps. */
export interface Kept {
  /** What is there, by its name under `digests`. */
  names: string[]
  /** What is not. */
  lacking: UpstreamFile[]
  bytes: number
}

/** Looks what the kit's bucket keeps of upstream, by one list. */
export async function keptUpstream(cluster: Pick<Cluster, 'wanted'>, kit: Bucket): Promise<Kept> {
  const there = new Map((await kit.list(prefix)).map(({ key, size }) => [key, size]))
  const files = upstreamFiles(versionsOf(cluster.wanted.versions))
  const sizes = files.map((file) => ({ file, size: there.get(keptKey(cluster, file) ?? '') }))
  const kept = sizes.filter(({ size }) => size !== undefined)
  return {
    names: kept.map(({ file }) => file.name),
    lacking: sizes.filter(({ size }) => size === undefined).map(({ file }) => file),
    bytes: kept.reduce((sum, { size = 0 }) => sum + size, 0),
  }
}

/**
 * Keeps what upstream serves for this cluster in the kit's bucket, so that a restore needs nobody else: each file once, and
 * only with the SHA-256 that the description records. What cannot be had just now is named and tried by the next run.
 */
export async function keepUpstream(cluster: Cluster, kit: Bucket): Promise<void> {
  const started = performance.now()
  const { lacking, names } = await keptUpstream(cluster, kit)
  if (lacking.length === 0) return tell('=', 'upstream', `${names.length} files kept in ${kit.name}`)
  let [count, bytes] = [0, 0]
  // One after the other: the largest has 75 MB.
  for (const file of lacking) {
    const key = keptKey(cluster, file)
    if (key === undefined) continue
    await change(`aws s3 cp - s3://${kit.name}/${key}`, async () => {
      const content = await fetchPinned(file, cluster.wanted.digests).catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error
        tell(
          '!',
          'upstream',
          `${titleOf(file, versionsOf(cluster.wanted.versions))} is not kept: ${error.message}`,
        )
      })
      if (!content) return
      await kit.put(key, content)
      count++
      bytes += content.length
    })
  }
  if (!isDryRun() && count > 0)
    tell(
      '+',
      'upstream',
      `${count} files, ${mib(bytes)}, kept in ${kit.name}`,
      (performance.now() - started) / 1000,
    )
}

/**
 * The copy of a file that the kit's bucket keeps; undefined where it keeps none.
 * @throws Problem naming the copy when it has another SHA-256 than the description records
 */
export async function keptCopy(
  cluster: Pick<Cluster, 'wanted'>,
  kit: Bucket,
  file: UpstreamFile,
): Promise<Uint8Array | undefined> {
  const key = keptKey(cluster, file)
  const bytes = key === undefined ? undefined : await kit.get(key)
  if (key === undefined || !bytes) return undefined
  const [got, wanted] = [sha256(bytes), cluster.wanted.digests[file.name]]
  if (got === wanted) return bytes
  const title = titleOf(file, versionsOf(cluster.wanted.versions))
  throw new Problem(`the copy of ${title} in ${kit.name} was altered: ${key} has SHA-256 ${got}`, {
    cure: `Do not use it. Who may write to that bucket has the kit as well. Put the right file there by hand (aws s3 cp FILE s3://${kit.name}/${key}), or remove this one: the next bootstrap keeps it anew where upstream serves it.`,
  })
}

/** Reads every copy that the kit's bucket keeps: what is not as the description records it, one line each. */
export async function wrongCopies(cluster: Pick<Cluster, 'wanted'>, kit: Bucket): Promise<string[]> {
  const wrong: string[] = []
  // One after the other: the largest has 75 MB.
  for (const file of upstreamFiles(versionsOf(cluster.wanted.versions)))
    try {
      await keptCopy(cluster, kit, file)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      wrong.push([error.message, error.cure].filter(Boolean).join('. '))
    }
  return wrong
}

/**
 * A file with the recorded SHA-256: from upstream, or from the kit's bucket where this run found that upstream has it no
 * longer.
 * @throws Problem
 */
export async function upstreamContent(
  cluster: Cluster,
  kit: Bucket,
  file: UpstreamFile,
): Promise<Uint8Array> {
  const copy = cluster.fromKit?.has(file.name) ? await keptCopy(cluster, kit, file) : undefined
  return copy ?? fetchPinned(file, cluster.wanted.digests)
}

/** Brings what upstream has no longer from one kit's bucket into that of a copy of the cluster; nothing where they are one. */
export async function carryUpstream(cluster: Cluster, from: Bucket, to: Bucket): Promise<void> {
  if (from.name === to.name || !cluster.fromKit) return
  for (const file of upstreamFiles(versionsOf(cluster.wanted.versions))) {
    const key = keptKey(cluster, file)
    if (!cluster.fromKit.has(file.name) || key === undefined) continue
    await change(`aws s3 cp s3://${from.name}/${key} s3://${to.name}/${key}`, async () => {
      if (await to.exists(key)) return
      const copy = await keptCopy(cluster, from, file)
      if (copy) await to.put(key, copy)
    })
  }
}
