/** A mistake: what is run, and what is said of it. */
export interface Row {
  run: string
  code: 1 | 2
  /** The message, its cure, and what else. */
  says: string[]
  env?: Record<string, string | undefined>
  given?: () => unknown
  afterwards?: () => unknown
}

/** Nobody is there to answer a question. */
export const noAnswer = { REGROW_ANSWER: undefined }

/** A cluster with a backup: the world's folder, the bucket with the backups, and its cloud as the person reaches it. */
export interface Grown {
  spaces: string
  bucket: string
  cloud(method: string, path: string, body?: object): Promise<Record<string, unknown>>
}
