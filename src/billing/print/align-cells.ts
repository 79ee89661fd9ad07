/** Names and texts in two columns. */
export function alignPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join('')
}

/** Columns that are as wide as their longest cell; the third and the fifth one are for numbers. */
export function alignCells(rows: readonly (readonly string[])[]): string {
  // not by what a terminal shows: that would change with every version of Unicode
  const lengthOf = (text: string) => Array.from(text).length
  const widths =
    rows[0]?.map((_, column) => rows.reduce((width, row) => Math.max(width, lengthOf(row[column]!)), 0)) ?? []
  const pad = (text: string, column: number) => {
    const space = ' '.repeat(widths[column]! - lengthOf(text))
    return column === 2 || column === 4 ? space + text : text + space
  }
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd() + '\n').join('')
}
