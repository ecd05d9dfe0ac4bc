import { createHash } from 'node:crypto'
import { download as fetchWhole } from '../clients/download.ts'
import { endpoints } from '../environment.ts'
import { Problem } from '../problem.ts'
import { type Chart, k3sSumsAddress, type UpstreamFile, upstreamFiles, versionsOf } from '../versions.ts'
import { archiveIn, indexAddress } from './chart-index.ts'
import type { Cluster } from './cluster.ts'

/**
 * Completes the description with the SHA-256 of everything that upstream serves for it. What was recorded once is
 * never replaced: it is what later downloads are held against.
 * @returns the names of what was recorded now
 * @throws Problem when something cannot be had
 */
export async function recordDigests(cluster: Cluster): Promise<string[]> {
  const versions = versionsOf(cluster.wanted.versions)
  const known = cluster.wanted.digests
  const missing = upstreamFiles(versions).filter((file) => !known[file.name])
  const found = await Promise.all(
    missing.map(async (file) => [file.name, await digestOf(file, versions.k3s)] as const),
  )
  cluster.wanted = { ...cluster.wanted, digests: { ...known, ...Object.fromEntries(found) } }
  return missing.map(({ name }) => name)
}

/**
 * Makes sure that upstream still serves everything that the description records, as it was recorded, where Argo CD will
 * ask for it.
 * @param inGit charts as Git has them: an address or version there is the one that counts
 * @param besides names of what was fetched just now
 * @throws Problem naming the first that cannot be had or is another
 */
export async function checkUpstream(
  cluster: Cluster,
  inGit: readonly Chart[],
  besides: readonly string[],
): Promise<void> {
  const versions = versionsOf(cluster.wanted.versions)
  await Promise.all(
    upstreamFiles(versions).map(async (file) => {
      const chart = 'chart' in file ? otherThan(file.chart, inGit) : undefined
      if (!chart && besides.includes(file.name)) return
      const got = await digestOf(chart ? { name: file.name, chart } : file, versions.k3s)
      // Of another version than cluster.yaml names nothing was recorded.
      if (chart && 'chart' in file && chart.version !== file.chart.version) return
      if (got !== cluster.wanted.digests[file.name]) throw altered(file, got, cluster.wanted.digests)
    }),
  )
}

/**
 * Fetches a file from upstream and holds it against the recorded digest.
 * @throws Problem when it cannot be had, or is not what was recorded
 */
export async function fetchPinned(file: UpstreamFile, digests: Record<string, string>): Promise<Uint8Array> {
  const bytes = await contentOf(file)
  const got = sha256(bytes)
  if (digests[file.name] !== got) throw altered(file, got, digests)
  return bytes
}

/** The same chart, where Git names another address or version of it. */
const otherThan = (chart: Chart, inGit: readonly Chart[]): Chart | undefined =>
  inGit.find(
    (one) =>
      one.chart === chart.chart && (one.repository !== chart.repository || one.version !== chart.version),
  )

const labelOf = (file: UpstreamFile) =>
  'chart' in file
    ? `chart ${file.chart.chart} ${file.chart.version} of ${file.chart.repository}`
    : file.address

function altered(file: UpstreamFile, got: string, digests: Record<string, string>): Problem {
  return new Problem(
    `${labelOf(file)} is not what cluster.yaml recorded: SHA-256 ${got}, not ${digests[file.name]}`,
    {
      cure: `If you changed its version, remove “${file.name}” under digests in cluster.yaml. Otherwise upstream was altered: do not go on.`,
    },
  )
}

/** k3s publishes the sums of its binaries; everything else is fetched and summed. */
async function digestOf(file: UpstreamFile, k3sVersion: string): Promise<string> {
  if (file.name !== 'k3s') return sha256(await contentOf(file))
  const sums = Buffer.from(await download(k3sSumsAddress(k3sVersion))).toString()
  const line = sums.split('\n').find((one) => /\sk3s$/.test(one.trim()))
  const digest = line?.trim().split(/\s+/)[0]
  if (!digest || !/^[0-9a-f]{64}$/.test(digest))
    throw new Problem(`${k3sSumsAddress(k3sVersion)} names no checksum of k3s`, {
      cure: 'Choose another versions.k3s.',
    })
  return digest
}

/** A file, or a chart's archive by the way that Argo CD takes: the repository's index, and what that names. */
async function contentOf(file: UpstreamFile): Promise<Uint8Array> {
  if (!('chart' in file)) return download(file.address)
  const { chart } = file
  const index = await download(indexAddress(chart), moved(chart))
  const archive = archiveIn(Buffer.from(index).toString(), chart)
  const bytes = await download(archive.address, moved(chart))
  if (archive.digest && archive.digest !== sha256(bytes))
    throw new Problem(
      `${archive.address} is not what ${indexAddress(chart)} says: SHA-256 ${sha256(bytes)}`,
      {
        cure: 'Upstream was altered, or is being changed just now: do not go on.',
      },
    )
  return bytes
}

const moved = ({ chart }: Chart) =>
  `Did the chart move? Then write its new address into repoURL where clusters/NAME/*.yaml in your repository names chart ${chart}. Otherwise check the network, or name a mirror with REGROW_UPSTREAM_URL.`

async function download(
  address: string,
  cure = 'Check the network and versions in cluster.yaml, or name a mirror with REGROW_UPSTREAM_URL.',
): Promise<Uint8Array> {
  const url = endpoints().upstream(address)
  try {
    return await fetchWhole(url)
  } catch (error) {
    throw new Problem(`${url} could not be fetched: ${error instanceof Error ? error.message : error}`, {
      cure,
      cause: error,
    })
  }
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
