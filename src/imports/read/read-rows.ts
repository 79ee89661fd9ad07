import { AnalyticsError } from '../../model/errors.ts'
import type { ImportedRow } from '../../model/imported-row.ts'
import { describeNames } from './describe-names.ts'
import { isDjangoDump, layOutDrf } from '../layout/lay-out-drf.ts'
import { isExport, layOutExport } from '../layout/lay-out-export.ts'
import { layOutMapped } from '../layout/lay-out-mapped.ts'
import type { MappedOptions } from '../layout/lay-out-mapped.ts'
import { readCsv } from './read-csv.ts'
import type { ReadGivenKey } from './read-given-key.ts'
import { readJsonValues } from './read-json-values.ts'
import { refuseLine } from './refuse-line.ts'
import type { RowLayout } from '../layout/row-layout.ts'
import { countOf } from '../../terminal/format-number.ts'

/** How a file is read. */
export interface ReadOptions extends Omit<MappedOptions, 'columns'> {
  /** Absent for our own export and for a dump of Django. */
  readonly columns?: readonly string[] | undefined
  readonly readKey: ReadGivenKey
  /** Names of keys, kept between two readings. */
  readonly names: Map<string, string>
  /** The time after which nothing can have happened, epoch milliseconds. */
  readonly now: number
}

/** Rows that were read, and what the file is. */
export interface RowsRead {
  readonly format: RowLayout['format']
  readonly rows: readonly ImportedRow[]
}

/**
 * The rows of a file as they are read; its form is found by its beginning.
 * @throws WRONG_USAGE with the line
 */
export async function* readRows(
  pieces: AsyncIterable<string>,
  options: ReadOptions,
): AsyncGenerator<RowsRead, void, undefined> {
  const { start, all } = await lookAhead(pieces)
  const records = start === '[' || start === '{' ? readObjects(all, options) : readRecords(all, options)
  for await (const { format, rows } of records) {
    for (const row of rows) checkTime(row, options.now)
    yield { format, rows }
  }
}

/** The first character that is no white space, and all pieces. */
async function lookAhead(
  pieces: AsyncIterable<string>,
): Promise<{ start: string | undefined; all: AsyncIterable<string> }> {
  const input = pieces[Symbol.asyncIterator]()
  const seen: string[] = []
  for (let { done, value } = await input.next(); !done; { done, value } = await input.next()) {
    seen.push(value as string)
    if ((value as string).trim() !== '') break
    // white space before CSV would be empty lines, and JSON has it between values
    if (seen.length > 1000) throw refuseLine(1, 'the file begins with megabytes of white space.')
  }
  async function* replay(): AsyncGenerator<string> {
    yield* seen
    yield* { [Symbol.asyncIterator]: () => input }
  }
  return { start: seen.at(-1)?.trim()[0], all: replay() }
}

async function* readRecords(pieces: AsyncIterable<string>, options: ReadOptions): AsyncGenerator<RowsRead> {
  let header: readonly string[] | undefined
  let layout: RowLayout | undefined
  let places: readonly number[] = []
  for await (const records of readCsv(pieces)) {
    const rows: ImportedRow[] = []
    for (const { line, cells } of records) {
      if (!header || !layout) {
        header = cells.map((cell) => cell?.trim() ?? '')
        layout = chooseLayout(header, options, true)
        places = layout.columns.map((name) => header!.indexOf(name))
        continue
      }
      if (cells.length !== header.length) {
        throw refuseLine(
          line,
          `it has ${countOf(cells.length, 'cell')} and the first line has ${header.length}.`,
        )
      }
      const wanted = places.map((place) => cells[place])
      for (const row of layout.toRows(wanted, line)) rows.push(row)
    }
    if (layout) yield { format: layout.format, rows }
  }
}

async function* readObjects(pieces: AsyncIterable<string>, options: ReadOptions): AsyncGenerator<RowsRead> {
  let layout: RowLayout | undefined
  for await (const values of readJsonValues(pieces)) {
    const rows: ImportedRow[] = []
    for (const { line, value } of values) {
      layout ??= chooseLayout(Object.keys(value), options, false)
      const wanted = layout.columns.map((name) => (Object.hasOwn(value, name) ? value[name] : undefined))
      for (const row of layout.toRows(wanted, line)) rows.push(row)
    }
    if (layout) yield { format: layout.format, rows }
  }
}

function chooseLayout(names: readonly string[], options: ReadOptions, isCsv: boolean): RowLayout {
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `The file has two columns ${describeNames([twice])}. Nothing was imported.`,
    )
  }
  const { columns, readKey } = options
  if (columns) return layOutMapped(names, { ...options, columns }, readKey)
  if (isExport(names)) return layOutExport(names, isCsv)
  if (!isCsv && isDjangoDump(names)) return layOutDrf(options, readKey, options.names)
  throw new AnalyticsError(
    'WRONG_USAGE',
    `This is no export of apikey-analytics. Its columns are ${describeNames(names)}: name those to import, such as --columns key=api_key,time=date,endpoint=path,requests=hits. Nothing was imported.`,
  )
}

function checkTime({ bucket, line }: ImportedRow, now: number): void {
  const time = () => new Date(bucket).toISOString()
  if (bucket > now) throw refuseLine(line, `the time ${time()} is in the future.`)
  if (bucket < 0) throw refuseLine(line, `the time ${time()} is before 1970.`)
}
