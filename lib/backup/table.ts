import { printableStep } from '../base/printable.ts'

/** A row of a table: its cells, and lines that stand below it. */
export interface Row {
  cells: readonly string[]
  below: readonly string[]
}

/** The lines of a table whose columns are as wide as what stands in them, two blanks apart. */
export function table(header: readonly string[], told: readonly Row[]): string[] {
  const rows = told.map(({ cells, below }) => ({
    cells: cells.map(printableStep),
    below: below.map(printableStep),
  }))
  const widths = header.map((title, at) =>
    Math.max(title.length, ...rows.map(({ cells }) => cells[at]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(header), ...rows.flatMap(({ cells, below }) => [line(cells), ...below])]
}

/** A time (RFC 3339) to the minute, such as `2026-11-30 14:29`. */
export const minuteOf = (time: string | undefined): string | undefined => time?.slice(0, 16).replace('T', ' ')
