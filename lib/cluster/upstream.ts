import { createHash } from 'node:crypto'
import { endpoints } from '../base/environment.ts'
import { Problem } from '../base/problem.ts'
import { DownloadFailure, download as fetchWhole } from '../clients/download.ts'
import { steadyFetch } from '../clients/steady-fetch.ts'
import { archiveIn, indexAddress, mostOfIndex } from './chart-index.ts'
import type { Cluster } from './cluster.ts'
import {
  type Chart,
  k3sSumsAddress,
  type PartName,
  type UpstreamFile,
  upstreamFiles,
  type Versions,
  versionsOf,
} from './versions.ts'

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

/** A file of upstream that cannot be had as it was recorded. */
export interface Lost {
  file: UpstreamFile
  /** In a few words, such as `upstream answers 404`. */
  why: string
  /** What a run ends with that has no copy of it. */
  problem: Problem
}

/**
 * What upstream serves no longer as the description records it, where Argo CD and the nodes will ask for it.
 * @param names what is asked for, by its name under `digests`
 * @param inGit charts as Git has them: an address or version there is the one that counts
 */
export async function lostUpstream(
  cluster: Cluster,
  names: readonly string[],
  inGit: readonly Chart[],
): Promise<Lost[]> {
  const versions = versionsOf(cluster.wanted.versions)
  const asked = upstreamFiles(versions).filter(({ name }) => names.includes(name))
  const all = await Promise.all(
    asked.map(async (file): Promise<Lost[]> => {
      const chart = 'chart' in file ? otherThan(file.chart, inGit) : undefined
      const wanted = chart ? { name: file.name, chart } : file
      try {
        const got = await digestOf(wanted, versions.k3s)
        // Of another version than cluster.yaml names nothing was recorded.
        if (chart && 'chart' in file && chart.version !== file.chart.version) return []
        if (got !== cluster.wanted.digests[file.name]) throw altered(wanted, got, cluster.wanted.digests)
        if ('address' in file && file.name === 'k3s') await isServed(file.address)
        return []
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        const why = error instanceof UpstreamFault ? error.why : 'upstream has it no longer'
        return [{ file: wanted, why, problem: error }]
      }
    }),
  )
  return all.flat()
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

/** Which version of a file is meant. */
export const versionOf = (file: UpstreamFile, versions: Versions): string =>
  'chart' in file ? file.chart.version : (versions[file.name.replace(/\/.*/, '') as PartName] ?? '')

/** What a file is called in a plan, such as `k3s v1.36.5+k3s1`. */
export function titleOf(file: UpstreamFile, versions: Versions): string {
  if ('chart' in file) return `chart ${file.chart.chart} ${file.chart.version}`
  const [part, inner] = file.name.split('/')
  return [part, versionOf(file, versions), inner].filter(Boolean).join(' ')
}

/** Why upstream does not give a file, in a few words beside the message. */
class UpstreamFault extends Problem {
  readonly why: string

  constructor(message: string, why: string, more: { cure: string; cause?: unknown }) {
    super(message, more)
    this.why = why
  }
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
  return new UpstreamFault(
    `${labelOf(file)} is not what cluster.yaml recorded: SHA-256 ${got}, not ${digests[file.name]}`,
    'upstream serves something else',
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
  const index = await download(indexAddress(chart), moved(chart), mostOfIndex)
  const archive = archiveIn(Buffer.from(index).toString(), chart)
  const bytes = await download(archive.address, moved(chart))
  if (archive.digest && archive.digest !== sha256(bytes))
    throw new UpstreamFault(
      `${archive.address} is not what ${indexAddress(chart)} says: SHA-256 ${sha256(bytes)}`,
      'upstream serves something else',
      {
        cure: 'Upstream was altered, or is being changed just now: do not go on.',
      },
    )
  return bytes
}

const moved = ({ chart }: Chart) =>
  `Did the chart move? Then write its new address into repoURL where clusters/NAME/*.yaml in your repository names chart ${chart}. Otherwise check the network, or name a mirror with REGROW_UPSTREAM_URL.`

const atUpstream =
  'Check the network and versions in cluster.yaml, or name a mirror with REGROW_UPSTREAM_URL.'

async function download(address: string, cure = atUpstream, most?: number): Promise<Uint8Array> {
  const url = endpoints().upstream(address)
  try {
    return await fetchWhole(url, undefined, most)
  } catch (error) {
    const status = error instanceof DownloadFailure ? error.status : undefined
    throw new UpstreamFault(
      `${url} could not be fetched: ${error instanceof Error ? error.message : error}`,
      status === undefined ? 'upstream does not answer' : `upstream answers ${status}`,
      { cure, cause: error },
    )
  }
}

/** A node fetches it, and this machine only its checksum: so it is asked whether it is there. */
async function isServed(address: string): Promise<void> {
  const url = endpoints().upstream(address)
  // What may heal does until a node asks for it.
  const status = await steadyFetch(url, { method: 'HEAD' }).then(
    (answer) => answer.status,
    () => undefined,
  )
  if (status === 404 || status === 410)
    throw new UpstreamFault(`${url} could not be fetched: status ${status}`, `upstream answers ${status}`, {
      cure: atUpstream,
    })
}

/** The SHA-256 in hex. */
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
