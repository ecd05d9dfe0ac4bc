/** How a Problem came about and what to do: `cure` is shown on its own line, `exitCode` 2 means wrong usage, 130 Ctrl-C. */
export interface ProblemOptions {
  cure?: string
  exitCode?: 1 | 2 | 130
  cause?: unknown
}

/** An expected failure: what happened to which thing, and what the person can do about it. */
export class Problem extends Error {
  readonly cure: string | undefined
  readonly exitCode: 1 | 2 | 130

  constructor(message: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'Problem'
    this.cure = options.cure
    this.exitCode = options.exitCode ?? 1
  }
}
