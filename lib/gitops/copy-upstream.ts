import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { isDryRun } from '../base/dry-run.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { titleOf } from '../cluster/upstream.ts'
import { type UpstreamFile, upstreamFiles, versionsOf } from '../cluster/versions.ts'
import { upstreamContent } from '../store/upstream.ts'
import { commitFiles } from './commit.ts'
import { type Reader, readersOf, readInGit } from './copies.ts'
import { seeded } from './drift.ts'
import { RepositoryReader, type RepositoryTree } from './repository-tree.ts'
import { valuesOf } from './repository-values.ts'

/** What Argo CD would fetch in vain, and what has to change in Git so that it need not. */
export interface Copying {
  file: UpstreamFile
  reader: Reader
  /** The text of the file that reads it, as it has to be; undefined where Git has no such file yet. */
  text: string | undefined
}

/**
 * What a commit has to bring into Git because upstream has it no longer; nothing where it lies there already.
 * @throws Problem where a file reads it in a way that cannot be changed safely
 */
export async function copiesToMake(cluster: Cluster, head?: string): Promise<Copying[]> {
  const { fromKit, github, place, repository, name: own } = cluster
  if (!fromKit) return []
  const at = head ?? (repository && (await github.ref(place, 'heads/main')))
  const tree = at ? await new RepositoryReader(github, place).at(at) : undefined
  const isSeeded = repository !== undefined && (await github.ref(place, seeded)) !== undefined
  const versions = versionsOf(cluster.wanted.versions)
  const { sshUrl } = valuesOf(cluster, '')
  const files = new Map(upstreamFiles(versions).map((file) => [file.name, file]))
  const texts = new Map<string, string>()
  const all: Copying[] = []
  for (const reader of readersOf(own, versions)) {
    const file = files.get(reader.name)
    if (!file || !fromKit.has(reader.name)) continue
    const there = texts.get(reader.path) ?? (await textIn(tree, reader.path))
    // What a person took out of Git reads nothing.
    if (there === undefined && isSeeded) continue
    const text = there && readInGit(there, reader.name, { cluster: own, sshUrl, versions })
    if (there !== undefined && text === undefined)
      throw new Problem(
        `${reader.path} reads ${titleOf(file, versions)} in a way that regrow cannot change`,
        {
          cure: `Upstream has it no longer. Write repoURL, chart and targetRevision of it on lines of their own, commit that, and run ${again()}.`,
        },
      )
    if (text !== undefined) texts.set(reader.path, text)
    if (tree?.blob(reader.copy) === undefined || text !== there) all.push({ file, reader, text })
  }
  return all.map((one) => ({ ...one, text: texts.get(one.reader.path) }))
}

const textIn = async (tree: RepositoryTree | undefined, path: string) =>
  (await tree?.texts([path]))?.get(path)

/**
 * Commits what upstream has no longer into Git, from the kit's bucket, and lets Git read it there: charts unpacked,
 * manifests as files. Nothing of it is executed or changed; a second run finds it there.
 * @throws Problem, GitHubRefusal where Git takes no commit: without it Argo CD would wait for upstream for ever
 */
export async function copyUpstream(cluster: Cluster, kit: Bucket): Promise<void> {
  const copying = await copiesToMake(cluster)
  if (copying.length === 0) return
  const versions = versionsOf(cluster.wanted.versions)
  const started = performance.now()
  const contents = new Map<string, Record<string, string>>()
  for (const { file, reader } of copying) contents.set(reader.copy, await filesOf(cluster, kit, file, reader))
  const titles = copying.map(({ file }) => titleOf(file, versions)).join(', ')
  const files = async (head: string) => {
    const now = await copiesToMake(cluster, head)
    return Object.assign(
      {},
      ...now.map(({ reader, text }) => ({
        ...contents.get(reader.copy),
        ...(text === undefined ? {} : { [reader.path]: text }),
      })),
    ) as Record<string, string>
  }
  await commitFiles(cluster.github, cluster.place, files, `Keep here what upstream has no longer: ${titles}`)
  if (isDryRun()) return
  const folders = [
    ...new Set(copying.map(({ reader }) => reader.copy.replace(/\/upstream\/.*/, '/upstream'))),
  ]
  const what = `${copying.length} files of upstream in ${folders.join(' and ')}`
  tell('+', 'copies in Git', what, (performance.now() - started) / 1000)
}

/** The files of a copy by their paths in the repository. */
async function filesOf(
  cluster: Cluster,
  kit: Bucket,
  file: UpstreamFile,
  { copy }: Reader,
): Promise<Record<string, string>> {
  const bytes = await upstreamContent(cluster, kit, file)
  if (!('chart' in file)) return { [copy]: asText(bytes, copy) }
  const folder = copy.replace(/Chart\.yaml$/, '')
  const files: Record<string, string> = {}
  for (const [path, text] of await unpacked(bytes, file.chart.chart)) files[folder + path] = text
  return files
}

/** The files of a chart's archive by their path below the chart's folder. @throws Problem when it is no such archive */
async function unpacked(archive: Uint8Array, chart: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  try {
    const tar = extract()
    const opened = pipeline(Readable.from([archive]), createGunzip(), tar)
    opened.catch(() => {}) // the loop below throws the same
    for await (const entry of tar) {
      const chunks: Buffer[] = []
      for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk)
      const path = entry.header.name.replace(/^[^/]+\//, '')
      if (entry.header.type !== 'file' || path.split('/').includes('..')) continue
      files.set(path, asText(Buffer.concat(chunks), path))
    }
    await opened
  } catch (cause) {
    if (cause instanceof Problem) throw cause
    throw new Problem(
      `chart ${chart} cannot be unpacked: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    )
  }
  if (!files.has('Chart.yaml')) throw new Problem(`chart ${chart} has no Chart.yaml`)
  return files
}

/** GitHub takes texts in a tree; anything else would come out otherwise. */
function asText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new Problem(`${path} is not a text, and cannot be copied into Git`, { cause })
  }
}
