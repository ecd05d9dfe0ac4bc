import { load, loadAll } from 'js-yaml'

/** Characters of a file from Git that is read as YAML. */
const longest = 8 * 1024 ** 2
/** Values in it, aliases counted wherever they stand: few lines can stand for billions. */
const mostValues = 2_000_000

/** A document of YAML from outside. @param most characters that it may have. @throws Error when it is none, or too much */
export const loadYaml = (text: string, most = longest): unknown => tame(load(ofLength(text, most)))

/** All documents of a YAML file from outside. @throws Error when it is none, or too much */
export const loadYamls = (text: string): unknown[] => loadAll(ofLength(text, longest)).map(tame)

function ofLength(text: string, most: number): string {
  if (text.length > most) throw new Error(`it has more than ${most / 1024 ** 2} MiB`)
  return text
}

function tame(value: unknown): unknown {
  if (countOf(value, new Map()) > mostValues) throw new Error('its aliases stand for more than can be read')
  return value
}

/** How many values there are, each as often as it is named. */
function countOf(value: unknown, known: Map<object, number>): number {
  if (typeof value !== 'object' || value === null) return 1
  const before = known.get(value)
  if (before !== undefined) return before
  // Whoever holds himself never ends.
  known.set(value, Number.POSITIVE_INFINITY)
  const count = Object.values(value).reduce<number>((sum, one) => sum + countOf(one, known), 1)
  known.set(value, count)
  return count
}
