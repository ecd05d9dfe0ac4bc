import { Problem } from './problem.ts'

const [quote, backslash] = [0x22, 0x5c]
const opens = [0x5b, 0x7b]
const closes = [0x5d, 0x7d]

/**
 * How deep JSON from outside may be nested, because whoever goes through it calls himself that often; and how many objects
 * and lists it may have, of which each takes many times the two characters that it is written with.
 */
const [deepest, mostParts] = [250, 300_000] as const

/** A text as JSON; undefined when it is none, or more than anything has that is read so: a schema then refuses it. */
export function parseJson(text: string): unknown {
  try {
    return isTooMuch(text) ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function isTooMuch(text: string): boolean {
  let [depth, parts] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (closes.includes(code)) depth--
    else if (opens.includes(code) && (++depth > deepest || ++parts > mostParts)) return true
  }
  return false
}

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
