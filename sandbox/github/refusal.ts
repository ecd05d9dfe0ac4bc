/** An error answer of the GitHub API. */
export class Refusal extends Error {
  readonly status: 401 | 403 | 404 | 409 | 422 | 501
  readonly errors: unknown[] | undefined

  constructor(status: Refusal['status'], message: string, errors?: unknown[]) {
    super(message)
    this.status = status
    this.errors = errors
  }
}

/** What GitHub says about a repository without a commit. */
export const emptyRepository = () => new Refusal(409, 'Git Repository is empty.')

/** What GitHub says about what is not there, or not for this token. */
export const notFound = () => new Refusal(404, 'Not Found')
