import { createHash } from 'node:crypto'
import { endpoints } from '../environment.ts'
import { Problem } from '../problem.ts'
import { withRetry } from '../retry.ts'
import { k3sSumsAddress, type UpstreamFile, upstreamFiles, versionsOf } from '../versions.ts'
import type { Cluster } from './cluster.ts'

/**
 * Completes the description with the SHA-256 of everything that upstream serves for it. What was recorded once is
 * never replaced: it is what later downloads are held against.
 * @throws Problem when something cannot be had
 */
export async function recordDigests(cluster: Cluster): Promise<void> {
  const versions = versionsOf(cluster.wanted.versions)
  const known = cluster.wanted.digests
  const missing = upstreamFiles(versions).filter((file) => !known[file.name])
  const found = await Promise.all(
    missing.map(async (file) => [file.name, await digestOf(file, versions.k3s)] as const),
  )
  cluster.wanted = { ...cluster.wanted, digests: { ...known, ...Object.fromEntries(found) } }
}

/**
 * Makes sure that upstream still serves everything that the description records, as it was recorded.
 * @throws Problem naming the first that cannot be had or is another
 */
export async function checkUpstream(cluster: Cluster): Promise<void> {
  const versions = versionsOf(cluster.wanted.versions)
  await Promise.all(
    upstreamFiles(versions).map(async (file) => {
      const got = await digestOf(file, versions.k3s)
      if (got !== cluster.wanted.digests[file.name]) throw altered(file, got, cluster.wanted.digests)
    }),
  )
}

/**
 * Fetches a file from upstream and holds it against the recorded digest.
 * @throws Problem when it cannot be had, or is not what was recorded
 */
export async function fetchPinned(file: UpstreamFile, digests: Record<string, string>): Promise<Uint8Array> {
  const bytes = await download(file.address)
  const got = sha256(bytes)
  if (digests[file.name] !== got) throw altered(file, got, digests)
  return bytes
}

function altered(file: UpstreamFile, got: string, digests: Record<string, string>): Problem {
  return new Problem(
    `${file.address} is not what cluster.yaml recorded: SHA-256 ${got}, not ${digests[file.name]}`,
    {
      cure: `If you changed its version, remove “${file.name}” under digests in cluster.yaml. Otherwise upstream was altered: do not go on.`,
    },
  )
}

/** k3s publishes the sums of its binaries; everything else is fetched and summed. */
async function digestOf(file: UpstreamFile, k3sVersion: string): Promise<string> {
  if (file.name !== 'k3s') return sha256(await download(file.address))
  const sums = Buffer.from(await download(k3sSumsAddress(k3sVersion))).toString()
  const line = sums.split('\n').find((one) => /\sk3s$/.test(one.trim()))
  const digest = line?.trim().split(/\s+/)[0]
  if (!digest || !/^[0-9a-f]{64}$/.test(digest))
    throw new Problem(`${k3sSumsAddress(k3sVersion)} names no checksum of k3s`, {
      cure: 'Choose another versions.k3s.',
    })
  return digest
}

class DownloadFailure extends Error {
  readonly status: number | undefined

  constructor(status: number | undefined, message: string) {
    super(message)
    this.status = status
  }
}

async function download(address: string): Promise<Uint8Array> {
  const url = endpoints().upstream(address)
  try {
    return await withRetry(
      async () => {
        const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) }).catch((error: Error) => {
          const cause = error.cause instanceof Error ? error.cause.message : error.message
          throw new DownloadFailure(undefined, cause)
        })
        if (!answer.ok) throw new DownloadFailure(answer.status, `status ${answer.status}`)
        return new Uint8Array(await answer.arrayBuffer())
      },
      (error) =>
        error instanceof DownloadFailure
          ? error.status === undefined
            ? {}
            : { status: error.status }
          : undefined,
    )
  } catch (error) {
    throw new Problem(`${url} cannot be had: ${error instanceof Error ? error.message : error}`, {
      cure: 'Check the network and versions in cluster.yaml, or name a mirror with REGROW_UPSTREAM_URL.',
      cause: error,
    })
  }
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
