import { closest, distance } from 'fastest-levenshtein'

/**
 * The known name that was probably meant by an unknown one, if one is like it.
 * @param most how many characters may differ
 */
export function suggest(name: string, known: readonly string[], most = name.length / 2): string | undefined {
  const near = closest(name, known)
  return near && distance(name, near) <= most ? near : undefined
}
