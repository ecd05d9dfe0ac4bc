import { closest, distance } from 'fastest-levenshtein'

/** The known name that was probably meant by an unknown one, if one is like it. */
export function suggest(name: string, known: readonly string[]): string | undefined {
  const near = closest(name, known)
  return near && distance(name, near) <= name.length / 2 ? near : undefined
}
