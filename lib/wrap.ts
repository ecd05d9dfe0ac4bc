import { madeCommands } from './hint.ts'

/** Stands for a blank within a command while lines are broken: no text has it. */
const joint = '\u0000'

/**
 * Breaks lines that are wider than a terminal between words, the rest indented below. A command stays in one piece,
 * because a line break in it would be pasted too.
 * @param width in columns
 * @param hang how far the rest is indented beyond the line's own indentation
 */
export function wrap(text: string, width: number, hang = 2): string {
  const columns = Math.max(width, 40)
  return text
    .split('\n')
    .flatMap((line) => (line.length <= columns ? [line] : broken(line, columns, hang)))
    .join('\n')
}

function broken(line: string, width: number, hang: number): string[] {
  const indent = ' '.repeat(Math.min(line.length - line.trimStart().length + hang, Math.floor(width / 2)))
  const lines: string[] = []
  let rest = joined(line)
  while (rest.length > width) {
    const from = lines.length === 0 ? line.length - line.trimStart().length : indent.length
    const last = rest.lastIndexOf(' ', width)
    const at = last > from ? last : rest.indexOf(' ', from)
    if (at < 0) break
    lines.push(rest.slice(0, at).trimEnd())
    rest = `${indent}${rest.slice(at).trimStart()}`
  }
  return [...lines, rest].map((one) => one.replaceAll(joint, ' '))
}

/** The line with the blanks of each command in it taken for no blanks. */
function joined(line: string): string {
  let text = line
  for (const one of madeCommands()) text = text.replaceAll(one, one.replaceAll(' ', joint))
  return text
}

/** As much of a line as fits, ended between two words. @param width in columns */
export function cut(line: string, width: number): string {
  if (line.length <= width) return line
  const at = line.lastIndexOf(' ', width - 2)
  return at > width / 2 ? `${line.slice(0, at).trimEnd()} …` : `${line.slice(0, width - 1)}…`
}
