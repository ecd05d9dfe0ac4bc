import { Problem } from '../base/problem.ts'

const mib = 1024 ** 2

/**
 * How many bytes are read of an object, by its key: whoever may write to a bucket, a machine by its signed URLs too, could
 * make it as large as he likes. Each is many times what such an object has.
 */
const most: readonly (readonly [RegExp, number])[] = [
  // Velero's, of a backup: its objects, its log, its lists, itself.
  [/^backups\/[^/]+\/[^/]+\.tar\.gz$/, 128 * mib],
  [/^backups\/.*-logs\.gz$/, 16 * mib],
  [/^backups\/.*\.gz$/, 4 * mib],
  // Copies of k3s, charts and manifests.
  [/^upstream\//, 256 * mib],
  // What was compared and proven names objects.
  [/^nodes\/[^/]+\/(compared|proof)\.json$/, 16 * mib],
]

/** Backups' descriptions, the kit, notes and reports. */
const usual = mib

/** How many bytes are read of an object at most. */
export const mostBytesOf = (key: string): number => most.find(([keys]) => keys.test(key))?.[1] ?? usual

/**
 * Pages that are read of a bucket's list at most, of 1,000 objects or versions each: kopia leaves an object for each 20 MB,
 * and with each a mark of its deletion.
 */
const mostPages = 125

/** Characters that the names in a list have at most, all together: one name may have 1,024. */
const mostCharacters = 16 * mib

/**
 * Counts the pages of a list, and what is in them.
 * @param what whose list it is
 * @returns what takes the names of each page, and throws a Problem when the list has no end
 */
export function withEnd(what: string): (names: readonly string[]) => void {
  let [pages, characters] = [0, 0]
  return (names) => {
    pages += 1
    for (const { length } of names) characters += length
    if (pages <= mostPages && characters <= mostCharacters) return
    throw new Problem(`the list of ${what} does not end`, {
      cure: 'More was read of it than anybody has. Look at what lies there, and remove what is not yours.',
    })
  }
}

/** An object that is larger than anything of its kind. */
export class TooLarge extends Problem {
  constructor(what: string, limit: number) {
    super(`${what} has more than ${limit / mib} MiB, and nothing of its kind has so much`, {
      cure: 'Somebody else wrote it, or it is damaged: look at it, and remove it if it is not yours.',
    })
  }
}

/** Takes an object that is larger than anything of its kind for none. @throws whatever else went wrong */
export function noneTooLarge(error: unknown): undefined {
  if (!(error instanceof TooLarge)) throw error
}

/**
 * Reads a body whole, as long as it is no larger.
 * @param told its length as the store tells it; what comes may be longer
 * @throws TooLarge
 */
export async function readWhole(
  body: AsyncIterable<Uint8Array>,
  { what, told, limit }: { what: string; told: number | undefined; limit: number },
): Promise<Uint8Array> {
  if ((told ?? 0) > limit) throw new TooLarge(what, limit)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > limit) throw new TooLarge(what, limit)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length)
}
