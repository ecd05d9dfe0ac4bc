import { createHash } from 'node:crypto'
import type { GitHub, Place } from '../clients/github.ts'

/** Points at what regrow wrote last, so that a person's edits can be told from a newer regrow's changes. */
export const seeded = 'regrow/seeded'

/**
 * How a file in Git differs from what regrow would write. `ours`: regrow may write it. `edited`, `removed`: a person
 * did that, and regrow wants nothing new. `both`: a person edited what regrow now wants otherwise.
 */
export interface Drift {
  path: string
  kind: 'ours' | 'edited' | 'removed' | 'both'
  /** For `both`: the lines that regrow would have now, against what is there. */
  difference?: string
}

/** Git's names for the content of files, by path. */
type Blobs = ReadonlyMap<string, string>

/**
 * Compares three ways: what is wanted now, what regrow wrote last (`before`), what Git has (`there`).
 * @returns only files that differ from what is wanted
 */
export async function drift(
  github: GitHub,
  place: Place,
  wanted: Record<string, string>,
  { before, there }: { before: Blobs; there: Blobs },
): Promise<Drift[]> {
  const found = await Promise.all(
    Object.entries(wanted).map(async ([path, text]): Promise<Drift | undefined> => {
      const [mine, theirs, last] = [blobSha(text), there.get(path), before.get(path)]
      if (theirs === mine) return undefined
      if (theirs === last || last === undefined)
        return { path, kind: mayWrite(path, theirs, last) ? 'ours' : 'edited' }
      if (mine === last) return { path, kind: theirs === undefined ? 'removed' : 'edited' }
      const now = theirs === undefined ? '' : await github.blob(place, theirs)
      return { path, kind: 'both', difference: differenceOf(now, text) }
    }),
  )
  return found.filter((one) => one !== undefined)
}

/** A file that regrow never wrote and that is there already is a person's; but GitHub's first README is nobody's. */
function mayWrite(path: string, theirs: string | undefined, last: string | undefined): boolean {
  return theirs === undefined || last !== undefined || path === 'README.md'
}

/** The blobs of a commit by their path; none without one. */
export async function blobsOf(github: GitHub, place: Place, commit: string | undefined): Promise<Blobs> {
  if (!commit) return new Map()
  return github.tree(place, (await github.commit(place, commit)).tree.sha)
}

/** Whether these are exactly the files that are wanted. */
export function areExactly(there: Blobs, wanted: Record<string, string>): boolean {
  const paths = Object.entries(wanted)
  return there.size === paths.length && paths.every(([path, text]) => there.get(path) === blobSha(text))
}

/** Git's name for a blob: SHA-1 over its header and bytes (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects). */
function blobSha(text: string): string {
  const bytes = Buffer.from(text)
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** The lines that only one side has, `-` theirs and `+` ours, twenty at most. */
function differenceOf(theirs: string, ours: string): string {
  const [left, right] = [theirs.split('\n'), ours.split('\n')]
  const lines = [
    ...left.filter((line) => !right.includes(line)).map((line) => `    - ${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `    + ${line}`),
  ]
  return lines.slice(0, 20).join('\n')
}
