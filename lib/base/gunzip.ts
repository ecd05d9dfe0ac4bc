import { gunzipSync } from 'node:zlib'

/**
 * Opens what was packed with gzip.
 * @param most bytes that it may become: a small file can hold gigabytes of nothing
 * @throws Error saying why it cannot be read
 */
export function gunzip(bytes: Uint8Array, most: number): string {
  try {
    return gunzipSync(bytes, { maxOutputLength: most }).toString()
  } catch (error) {
    const isTooLarge = error instanceof RangeError
    throw new Error(
      isTooLarge ? `it becomes more than ${most / 1024 ** 2} MiB` : 'it is not packed with gzip, or damaged',
      { cause: error },
    )
  }
}
