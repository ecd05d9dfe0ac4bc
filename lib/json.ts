import { Problem } from './problem.ts'

/** A text as JSON; undefined when it is none, which a schema then refuses. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const [quote, backslash] = [0x22, 0x5c]

/**
 * The entries of a Kubernetes list, `{"items": [{…}, …]}`, parsed one at a time: of a list of thousands the whole need
 * not lie in memory beside its text.
 * @throws Problem when the text is no such list
 */
export function* eachItem(text: string): Generator<unknown> {
  const open: string[] = []
  let start = 0
  let isList = false
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) === quote) at = endOfString(text, at)
    const mark = text[at]
    if (mark === '{' || mark === '[') {
      open.push(mark)
      isList ||= open.join('') === '{['
      if (open.length === 3) start = at
    } else if (mark === '}' || mark === ']') {
      if (open.length === 3 && open[1] === '[') yield JSON.parse(text.slice(start, at + 1))
      open.pop()
    }
  }
  if (!isList || open.length > 0) throw new Problem('a list was asked for, and something else was printed')
}

/** Where a string ends that begins here. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  for (; at < text.length && text.charCodeAt(at) !== quote; at++) if (text.charCodeAt(at) === backslash) at++
  return at
}
