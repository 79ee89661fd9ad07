/** A number as text, with all of its digits: an amount of money. */
export interface Decimal {
  readonly decimal: string
}

/** A value of a CSV cell: null is an empty cell, an empty text is `""`. */
export type CsvValue = string | number | bigint | boolean | Date | Decimal | null

/** The separator of two cells: a comma, or what spreadsheets expect where numbers have a decimal comma. */
export type CsvSeparator = ',' | ';' | '\t'

/** Lines of RFC 4180, each ended by CRLF, safe to open in a spreadsheet. */
export function renderCsv(rows: Iterable<readonly CsvValue[]>, separator: CsvSeparator = ','): string {
  let csv = ''
  for (const row of rows) csv += `${row.map((value) => renderCsvCell(value, separator)).join(separator)}\r\n`
  return csv
}

/**
 * One cell. A text that a spreadsheet could take for a formula, because it starts with = + - @ tab CR LF or one of
 * their full-width forms, gets a leading apostrophe; so does a text that starts with an apostrophe. To read a file
 * back exactly: remove one leading apostrophe from every text that has one. Numbers are never changed.
 */
export function renderCsvCell(value: CsvValue, separator: CsvSeparator = ','): string {
  if (value === null) return ''
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object') return value.decimal
  if (typeof value !== 'string') return String(value)
  const safe = /^[=+\-@\t\r\n'＝＋－＠]/.test(value) ? `'${value}` : value
  const isQuoted = safe === '' || safe.includes(separator) || /["\r\n]/.test(safe)
  return isQuoted ? `"${safe.replaceAll('"', '""')}"` : safe
}
