import { zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { ColumnSource, SchemaElement } from 'hyparquet-writer'
import { AnalyticsError } from '../../model/errors.ts'
import type { ExportColumns } from './export-columns.ts'
import type { CsvValue } from '../render/render-csv.ts'

/** Readers skip whole groups, and the memory of an export is one group. */
const GROUP_ROWS = 20_000

/** The largest INT64. */
const MOST = 2n ** 63n - 1n

/** Types of Parquet by the name of a column; every other column is a count, a sum or a time in microseconds. */
const TEXTS = /^(keyId|keyLabel|keyName|keyOwner|keyLine|owner|method|endpoint|\w+Local)$/
const TIMES = /^(bucket|firstBucket|lastBucket|hour|day|week|month)$/
const SMALL_NUMBERS = /^(bucketMinutes|status|importId)$/

/** An export as a Parquet file, in pieces of one row group, compressed with zstd. */
export async function* renderParquet<Page>(
  pages: AsyncIterable<Page>,
  columns: ExportColumns<Page>,
): AsyncGenerator<Buffer, void, undefined> {
  const names = [...columns.keys()]
  const bytes = new ByteWriter()
  const file = new ParquetWriter({
    writer: bytes,
    schema: [{ name: 'usage', num_children: names.length }, ...names.map(describeColumn)],
    codec: 'ZSTD',
    compressors: { ZSTD: zstdCompressSync },
    createdBy: 'apikey-analytics',
  })
  let group = names.map((): CsvValue[] => [])
  const writeGroup = () => {
    // without a flush() of the writer it is synchronous
    void file.write({
      columnData: names.map((name, index) => toColumn(name, group[index]!)),
      rowGroupSize: GROUP_ROWS,
    })
    group = names.map(() => [])
    return take(bytes)
  }
  for await (const page of pages) {
    let index = 0
    for (const read of columns.values()) appendTo(group[index++]!, read(page))
    if (group[0]!.length >= GROUP_ROWS) yield writeGroup()
  }
  if (group[0]!.length > 0) yield writeGroup()
  void file.finish()
  yield take(bytes)
}

/** Not `push(...values)`, which fails for a page with very many groups. */
function appendTo(column: CsvValue[], values: readonly CsvValue[]): void {
  for (const value of values) column.push(value)
}

function describeColumn(name: string): SchemaElement {
  // every column may be null: an owner that nobody set, a unit that a row has none of
  const element = { name, repetition_type: 'OPTIONAL' } as const
  if (TEXTS.test(name)) return { ...element, type: 'BYTE_ARRAY', converted_type: 'UTF8' }
  if (SMALL_NUMBERS.test(name)) return { ...element, type: 'INT32' }
  if (!TIMES.test(name)) return { ...element, type: 'INT64' }
  const logicalType = { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' } as const
  return { ...element, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', logical_type: logicalType }
}

function toColumn(name: string, values: CsvValue[]): ColumnSource {
  const isBig = !TEXTS.test(name) && !TIMES.test(name) && !SMALL_NUMBERS.test(name)
  return { name, data: isBig ? values.map((value) => toInt64(name, value)) : values }
}

function toInt64(name: string, value: CsvValue): CsvValue {
  if (typeof value === 'number') return BigInt(value)
  if (typeof value !== 'bigint' || value <= MOST) return value
  throw new AnalyticsError(
    'WRONG_USAGE',
    `A sum in the column ${name} is ${value}, more than the integers of Parquet hold. Export shorter periods, or use another format.`,
  )
}

/** The bytes that were written since the last call. */
function take(bytes: ByteWriter): Buffer {
  const piece = Buffer.from(bytes.getBytes())
  // as the writer for files of the library does; `offset` counts on
  bytes.index = 0
  return piece
}
