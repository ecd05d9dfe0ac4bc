import { withRetry } from '../base/retry.ts'
import { steadyFetch } from './steady-fetch.ts'

/** Why a file could not be fetched, after the last attempt. */
export class DownloadFailure extends Error {
  /** The HTTP status; undefined where there was no answer. */
  readonly status: number | undefined
  /** The pause that the server asked for, in seconds. */
  readonly retryAfter: number | undefined

  constructor(message: string, status?: number, retryAfter?: number) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/**
 * Fetches a file, whole or not at all. A connection that is refused, dropped or silent, and an answer that may
 * heal, are tried again, six times in all, with growing pauses or the one that the server asks for.
 * @param silence seconds in which a server may send nothing
 * @param most bytes that it may have
 * @throws DownloadFailure with how the last attempt failed
 */
export async function download(url: string, silence = 10, most = largest): Promise<Buffer> {
  let attempts = 0
  try {
    return await withRetry(
      () => {
        attempts++
        return once(url, silence, most)
      },
      (error) =>
        error instanceof DownloadFailure
          ? {
              ...(error.status === undefined ? {} : { status: error.status }),
              ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
            }
          : undefined,
    )
  } catch (error) {
    if (!(error instanceof DownloadFailure) || attempts === 1) throw error
    throw new DownloadFailure(`${error.message} (${attempts} attempts)`, error.status)
  }
}

/** Bytes of a download: k3s has 75 MB. */
const largest = 256 * 1024 ** 2

async function once(url: string, silence: number, most: number): Promise<Buffer> {
  const answer = await steadyFetch(url, { silence, most }).catch((error: Error) => {
    throw new DownloadFailure(error.message)
  })
  if (answer.ok) return Buffer.from(await answer.arrayBuffer())
  const after = Number(answer.headers.get('retry-after'))
  throw new DownloadFailure(`status ${answer.status}`, answer.status, after > 0 ? after : undefined)
}
