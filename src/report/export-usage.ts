import { AnalyticsError } from '../errors.ts'
import type { StoredUsageRow, UsageDimension, UsageRow } from '../usage.ts'
import { renderCsv, renderCsvCell, renderCsvLine } from './render-csv.ts'
import type { CsvValue } from './render-csv.ts'
import { didYouMean, suggest } from '../suggest.ts'

/** How an export is written. */
export type ExportFormat = 'csv' | 'json' | 'ndjson'

/** Small enough that a piece dies young: V8 keeps large strings until it collects everything. */
const PIECE_LENGTH = 32_768
/** Enough for the hours of a year. */
const CELLS_REMEMBERED = 10_000

/** The columns of an export and how each is read from a row. */
export type ExportColumns<Row> = ReadonlyMap<string, (row: Row) => CsvValue>

/** Columns of stored rows, one line per key, bucket, endpoint, method and status. */
export const STORED_COLUMNS: ExportColumns<StoredUsageRow> = new Map<
  string,
  (row: StoredUsageRow) => CsvValue
>([
  ['keyId', (row) => row.keyId],
  ['keyLabel', (row) => row.keyLabel],
  ['keyName', (row) => row.keyName],
  ['keyOwner', (row) => row.keyOwner],
  ['bucket', (row) => row.bucket],
  ['bucketMinutes', (row) => row.bucketMinutes],
  ['method', (row) => row.method],
  ['endpoint', (row) => row.endpoint],
  ['status', (row) => row.status],
  ['requestCount', (row) => row.requestCount],
  ['durationUs', (row) => row.durationUs],
])

/** Columns of groups: the dimensions, then the sums. */
export function groupColumns(by: readonly UsageDimension[]): ExportColumns<UsageRow> {
  const columns = new Map<string, (row: UsageRow) => CsvValue>()
  for (const dimension of by) {
    if (dimension === 'key') {
      columns.set('keyId', ({ key }) => key?.id ?? null)
      columns.set('keyLabel', ({ key }) => key?.label ?? null)
      columns.set('keyName', ({ key }) => key?.name ?? null)
      columns.set('keyOwner', ({ key }) => key?.owner ?? null)
    } else columns.set(dimension, (row) => row[dimension] ?? null)
  }
  for (const name of [
    'requestCount',
    'clientErrorCount',
    'serverErrorCount',
    'rejectedCount',
    'durationUs',
  ] as const) {
    columns.set(name, (row) => row[name])
  }
  columns.set('firstBucket', (row) => row.firstBucket)
  columns.set('lastBucket', (row) => row.lastBucket)
  return columns
}

/** Only the columns named, in that order. @throws WRONG_USAGE for one that does not exist */
export function pickColumns<Row>(
  columns: ExportColumns<Row>,
  names: readonly string[] | undefined,
): ExportColumns<Row> {
  if (!names) return columns
  return new Map(
    names.map((name) => {
      const read = columns.get(name)
      if (read) return [name, read]
      const near = didYouMean(suggest(name, columns.keys()))
      const all = [...columns.keys()].join(', ')
      throw new AnalyticsError('WRONG_USAGE', `There is no column "${name}".${near} Columns: ${all}.`)
    }),
  )
}

/** An export as pieces of text, one per page of rows, so that memory stays constant. */
export async function* exportUsage<Row>(
  pages: AsyncIterable<readonly Row[]>,
  columns: ExportColumns<Row>,
  format: ExportFormat,
): AsyncGenerator<string, void, undefined> {
  const names = [...columns.keys()]
  const readers = [...columns.values()]
  const cells = readers.map(rememberCells)
  if (format === 'csv') yield renderCsv([names])
  if (format === 'json') yield '['
  let separator = '\n'
  for await (const rows of pages) {
    if (format === 'csv') {
      let csv = ''
      for (const row of rows) {
        csv += renderCsvLine(readers.map((read, column) => cells[column]!(read(row))))
        if (csv.length < PIECE_LENGTH) continue
        yield csv
        csv = ''
      }
      if (csv) yield csv
      continue
    }
    const records = rows.map((row) =>
      JSON.stringify(Object.fromEntries(names.map((name, index) => [name, readers[index]!(row)]))),
    )
    if (format === 'ndjson') yield `${records.join('\n')}\n`
    else if (records.length > 0) {
      yield separator + records.join(',\n')
      separator = ',\n'
    }
  }
  if (format === 'json') yield '\n]\n'
}

/** Renders the cells of a column, of which most come again and again; numbers are quicker to render than to find. */
function rememberCells(): (value: CsvValue) => string {
  const known = new Map<CsvValue, string>()
  return (value) => {
    if (typeof value === 'number') return String(value)
    const id = value instanceof Date ? value.getTime() : value
    let text = known.get(id)
    if (text === undefined) {
      text = renderCsvCell(value)
      if (known.size === CELLS_REMEMBERED) known.clear()
      known.set(id, text)
    }
    return text
  }
}
