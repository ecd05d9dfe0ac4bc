import { z } from 'zod'
import { networkCure } from '../base/environment.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { canHeal } from '../base/retry.ts'

/** A refusal by GitHub, in its own words. */
export class GitHubRefusal extends Problem {
  readonly status: number | undefined

  constructor(what: string, status: number | undefined, message: string, cure?: string) {
    super(
      status === undefined
        ? `GitHub did not answer when asked to ${what} (${message})`
        : `GitHub refused to ${what}: ${status} ${message}`,
      cure ? { cure } : {},
    )
    this.status = status
  }

  /** Whether the same request may succeed later: no answer, too many requests, a fault of GitHub's. */
  get mayHeal(): boolean {
    return canHeal(this.status)
  }
}

const requestError = z.object({
  status: z.number(),
  message: z.string(),
  response: z.object({ headers: z.record(z.string(), z.unknown()) }).optional(),
})

/**
 * How a request failed. Octokit reports a missing answer as status 500 without a response. Of its limits GitHub says 403 as
 * well as 429: such a 403 counts as 429, with the pause that it asks for
 * (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
 */
export function failure(error: unknown): { status?: number; retryAfter?: number } | undefined {
  const read = requestError.safeParse({
    ...(error as object),
    message: error instanceof Error ? error.message : '',
  })
  if (!read.success) return undefined
  const { status, message, response } = read.data
  if (!response) return {}
  const header = (name: string) => Number(response.headers[name] ?? Number.NaN)
  const isSpent = header('x-ratelimit-remaining') === 0
  const untilReset = header('x-ratelimit-reset') - Date.now() / 1000
  const after = header('retry-after') || (isSpent ? untilReset : Number.NaN)
  const isLimit = status === 403 && (after > 0 || isSpent || /rate limit/i.test(message))
  if (isLimit) return { status: 429, retryAfter: after > 0 ? after : 60 }
  return { status, ...(after > 0 ? { retryAfter: after } : {}) }
}

/** The same, of requests that may not be repeated in doubt: what a limit refused was not done. */
export function limit(error: unknown): { status?: number; retryAfter?: number } | undefined {
  const failed = failure(error)
  return failed?.status === 429 ? failed : undefined
}

function cureFor(status: number | undefined): string | undefined {
  if (status === undefined) return networkCure()
  if (status === 404)
    return 'GitHub says so too where a token may not look: check the name, and the token’s permissions (docs/setup.md).'
  return status === 429 || status >= 500 ? `Run ${again()} in some minutes.` : undefined
}

/** What a failed request means for the person. */
export function refusal(what: string, error: unknown): Problem {
  if (error instanceof Problem) return error
  const failed = failure(error)
  const message = error instanceof Error ? (error.message.split(' - ')[0] ?? '') : String(error)
  if (!failed)
    return new Problem(`GitHub answered something unexpected when asked to ${what}`, { cause: error })
  if (failed.status === 401)
    return new GitHubRefusal(
      'accept the token in GITHUB_TOKEN',
      401,
      message,
      'Make a new one at https://github.com/settings/tokens and set GITHUB_TOKEN.',
    )
  if (failed.status === 403)
    return new GitHubRefusal(
      what,
      403,
      message,
      'Give the token the permission: classic “repo”, or fine-grained “Administration” and “Contents”, read and write (docs/setup.md).',
    )
  return new GitHubRefusal(what, failed.status, message, cureFor(failed.status))
}
