/** Rows with their cells below each other, `gap` blanks apart and each `least` wide; the last cell is not filled up. */
export function aligned(rows: string[][], gap: number, least = 0): string {
  const wide = (index: number) => Math.max(least, ...rows.map((row) => (row[index]?.length ?? 0) + gap))
  const widths = (rows[0] ?? []).map((_, index) => wide(index))
  const line = (row: string[]) =>
    row.map((text, index) => (index < row.length - 1 ? text.padEnd(widths[index] ?? 0) : text)).join('')
  return rows.map((row) => `${line(row)}\n`).join('')
}
