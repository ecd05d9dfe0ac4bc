import { z } from 'zod'
import { networkCure } from '../environment.ts'
import { again } from '../hint.ts'
import { Problem } from '../problem.ts'
import { canHeal } from '../retry.ts'

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

/** Octokit reports a missing answer as status 500 without a response. */
export function failure(error: unknown): { status?: number; retryAfter?: number } | undefined {
  const read = requestError.safeParse({
    ...(error as object),
    message: error instanceof Error ? error.message : '',
  })
  if (!read.success) return undefined
  if (!read.data.response) return {}
  const after = Number(read.data.response.headers['retry-after'])
  return { status: read.data.status, ...(after > 0 ? { retryAfter: after } : {}) }
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
