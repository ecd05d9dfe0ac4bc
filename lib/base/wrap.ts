import { madeCommands } from './hint.ts'

/** Stands for a blank within a command while lines are broken: no text has it. */
const joint = '\u0000'

/**
 * Breaks lines that are wider than a terminal between words, the rest indented below. A command stays in one piece,
 * because a line break in it would be pasted too.
 * @param width in columns
 * @param indent columns before the rest; two more than the line's own by default
 */
export function wrap(text: string, width: number, indent?: number): string {
  const columns = Math.max(width, 40)
  return text
    .split('\n')
    .flatMap((line) =>
      line.length <= columns ? [line] : broken(line, columns, indent ?? blanksBefore(line) + 2),
    )
    .join('\n')
}

const blanksBefore = (line: string) => line.length - line.trimStart().length

function broken(line: string, width: number, before: number): string[] {
  const indent = ' '.repeat(Math.min(before, Math.floor(width / 2)))
  const lines: string[] = []
  let rest = joined(line)
  while (rest.length > width) {
    const from = lines.length === 0 ? blanksBefore(line) : indent.length
    const [last, gap] = [' ', '  '].map((blanks) => rest.lastIndexOf(blanks, width)) as [number, number]
    // A table is broken between two columns, unless that leaves hardly anything in the first line.
    const best = gap > Math.max(from, width / 3) ? gap : last
    const at = best > from ? best : rest.indexOf(' ', from)
    if (at < 0) break
    lines.push(rest.slice(0, at).trimEnd())
    rest = `${indent}${rest.slice(at).trimStart().replace(/ {3,}/g, '  ')}`
  }
  return [...lines, rest].map((one) => one.replaceAll(joint, ' '))
}

/** The line with the blanks of each command in it taken for no blanks. */
function joined(line: string): string {
  let text = line
  // The longest first: one may be the beginning of another.
  for (const one of [...madeCommands()].toSorted((a, b) => b.length - a.length))
    text = text.replaceAll(one, one.replaceAll(' ', joint))
  return text
}

/** As much of a line as fits, ended between two words. @param width in columns */
export function cut(line: string, width: number): string {
  if (line.length <= width) return line
  const at = line.lastIndexOf(' ', width - 2)
  return at > width / 2 ? `${line.slice(0, at).trimEnd()} …` : `${line.slice(0, width - 1)}…`
}
