/** What the API answers instead of doing it; becomes a `Status` object. */
export class Refusal extends Error {
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }

  /** The `Status` that a Kubernetes API sends. */
  status(): object {
    const { code, reason, message } = this
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
  }
}

/** 404 for an object, worded as Kubernetes does. */
export const notFound = (resource: string, name: string) =>
  new Refusal(404, 'NotFound', `${resource} "${name}" not found`)

/** 400, or the code given, for something that this paper API does not do. */
export const unknownHere = (what: string, code = 400) =>
  new Refusal(code, code === 405 ? 'MethodNotAllowed' : 'BadRequest', `paper cluster: ${what}`)
