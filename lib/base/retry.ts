import pRetry, { AbortError } from 'p-retry'

/** A failed request as every client reports it: the HTTP status if there was an answer, and the pause it asked for. */
export interface RequestFailure {
  status?: number
  /** Seconds, from `retry-after`. */
  retryAfter?: number
}

/**
 * Repeats a request that only looks (or may be repeated) while its failure can heal: no answer, 408, 429, 5xx.
 * Pauses grow from 0.3 s with jitter; `retry-after` is honoured up to a minute.
 * @param read says how a thrown value failed, or undefined when it is no failed request.
 * @throws what the last attempt threw.
 */
export async function withRetry<T>(
  work: () => Promise<T>,
  read: (error: unknown) => RequestFailure | undefined,
): Promise<T> {
  return pRetry(
    async () => {
      try {
        return await work()
      } catch (error) {
        const failure = read(error)
        const wrapped = error instanceof Error ? error : new Error(String(error))
        if (!failure || !canHeal(failure.status)) throw new AbortError(wrapped)
        if (failure.retryAfter) await pause(Math.min(failure.retryAfter, 60))
        throw wrapped
      }
    },
    { retries: 5, minTimeout: 300, factor: 2, maxTimeout: 8_000, randomize: true },
  )
}

/** Whether a failed request may succeed when it is repeated: no answer, 408, 429, 5xx. */
export function canHeal(status: number | undefined): boolean {
  return status === undefined || status === 408 || status === 429 || status >= 500
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))
