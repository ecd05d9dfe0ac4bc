/** What a pattern asks for at one place: a character that fits, any number of any, or one of several patterns. */
type Piece = ((character: string) => boolean) | 'any number' | Piece[][]

/** Characters of a pattern, and how deep its choices are nested: more fits nothing, and stands for itself. */
const [longest, deepest] = [4096, 20] as const

/**
 * A pattern of `directory.include` as Argo CD reads it: `*` goes across folders, `{a,b}` is a choice, `[a-c]` a class. Others
 * write it: it is no regular expression, for which one with many `*` takes longer than anybody waits.
 */
export function glob(pattern: string): { test(text: string): boolean } {
  const pieces = pattern.length > longest ? [[]] : read(pattern)
  return {
    test: (text) => {
      const characters = [...text]
      const ends = after(pieces, new Set([0]), characters)
      return pattern.length <= longest && ends.has(characters.length)
    },
  }
}

/** The alternatives of a pattern; at its top there is one. */
function read(pattern: string): Piece[][] {
  const characters = [...pattern]
  const open: Piece[][][] = [[[]]]
  for (let at = 0; at < characters.length; at++) {
    const mark = characters[at] ?? ''
    const now = open.at(-1)?.at(-1) ?? []
    const end = mark === '[' ? characters.indexOf(']', at) : -1
    if (mark === '\\') now.push(just(characters[++at] ?? ''))
    else if (mark === '*') now.push('any number')
    else if (mark === '?') now.push(() => true)
    else if (mark === '{' && open.length <= deepest) {
      const choice: Piece[][] = [[]]
      now.push(choice)
      open.push(choice)
    } else if (mark === '}' && open.length > 1) open.pop()
    else if (mark === ',' && open.length > 1) open.at(-1)?.push([])
    else if (end > 0) {
      now.push(classOf(characters.slice(at + 1, end)))
      at = end
    } else now.push(just(mark))
  }
  return open[0] ?? []
}

const just = (wanted: string) => (character: string) => character === wanted

/** `a-c`, `abc`, `!a-c`; a range from back to front has nothing in it. */
function classOf(words: readonly string[]): (character: string) => boolean {
  const isNot = words[0] === '!' || words[0] === '^'
  const ranges: [from: string, to: string][] = []
  for (let at = isNot ? 1 : 0; at < words.length; at++) {
    const from = words[at] ?? ''
    const to = words[at + 1] === '-' ? words[at + 2] : undefined
    ranges.push([from, to ?? from])
    if (to !== undefined) at += 2
  }
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== isNot
}

/** Where in a text one of several patterns may end that begins at one of these places: each place is looked at once. */
function after(
  alternatives: readonly Piece[][],
  starts: ReadonlySet<number>,
  text: readonly string[],
): Set<number> {
  const ends = new Set<number>()
  for (const pieces of alternatives) {
    let places: ReadonlySet<number> = starts
    for (const piece of pieces) {
      if (places.size === 0) break
      places = behind(piece, places, text)
    }
    for (const place of places) ends.add(place)
  }
  return ends
}

function behind(piece: Piece, places: ReadonlySet<number>, text: readonly string[]): ReadonlySet<number> {
  if (Array.isArray(piece)) return after(piece, places, text)
  const found = new Set<number>()
  if (piece === 'any number')
    for (let place = Math.min(...places); place <= text.length; place++) found.add(place)
  else
    for (const place of places) {
      const character = text[place]
      if (character !== undefined && piece(character)) found.add(place + 1)
    }
  return found
}
