import { faultPoint } from '../../model/fault-point.ts'
import { AnalyticsError } from '../../model/errors.ts'
import { renderBins } from '../../model/duration-bins.ts'
import type { DurationBins } from '../../model/duration-bins.ts'
import type { ImportedRow } from '../../model/imported-row.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { ApiKeyAnalyticsImport } from '../database/entities/api-key-analytics-import.ts'
import { toStored } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import { writeAddCells, writeAddQuantities } from '../write/record-batch.ts'
import { CELL_COLUMNS, QUANTITY_COLUMNS } from '../write/row-columns.ts'
import { bringKeys } from './bring-keys.ts'
import { findSameFile, lockImports } from './find-imports.ts'
import { OwnerChanges } from './owner-changes.ts'

/** What a file has, as its first reading found. */
export interface ImportTotals {
  readonly format: ApiKeyAnalyticsImport['format']
  readonly sha256: string
  /** Start of the first bucket and end of the last one, epoch milliseconds. */
  readonly since: number
  readonly until: number
  readonly rows: number
  readonly requests: number
  /** By unit. */
  readonly quantities: ReadonlyMap<string, bigint>
}

/** A file to import. */
export interface ImportOrder {
  readonly name: string
  readonly totals: ImportTotals
  /** Its rows again. */
  readonly rows: AsyncIterable<readonly ImportedRow[]>
  /** The hash of what was read; called after the last row. */
  readonly hash: () => string
  readonly now: number
  readonly signal?: AbortSignal | undefined
}

/** Cells per statement. */
const CHUNK_CELLS = 1000
/** The largest number that the column of rows holds. */
const MOST_IMPORTS = 32_767

const INSERT = (dialect: Dialect) => `
insert into api_key_analytics_imports (name, format, sha256, imported_at, since, until, row_count, request_count)
values ($1, $2, $3, ${['$4', '$5', '$6'].map((time) => dialect.timeOf(time)).join(', ')}, $7, $8)
returning id`

const INSERT_QUANTITIES = (given: string) => `
insert into api_key_analytics_import_quantities (import_id, unit, quantity)
select import_id, unit, quantity
from ${given}
where true
order by n`

/** A row with a bucket of its own. */
const PLACE = { bucket: 'bigint', bucket_minutes: 'smallint' }

/**
 * Stores the rows of a file in one transaction: a process that dies leaves nothing behind. Rows with the same cell are
 * added up. Nothing that was counted changes, and no flush waits for these rows. On SQLite, which has one write lock,
 * flushes wait until the import is done.
 * @returns the number of the import
 * @throws WRONG_USAGE when the file was imported before, or changed since its first reading
 */
export async function loadImport(db: Database, order: ImportOrder): Promise<number> {
  const { totals, signal } = order
  return db.transaction(async (tx) => {
    await lockImports(tx, db.dialect)
    await refuseSameFile(tx, totals.sha256)
    const importId = await insertImport(tx, db.dialect, order)
    faultPoint('import begun')
    const owners = new OwnerChanges()
    const loaded = { rows: 0, requests: 0 }
    for await (const chunk of inChunks(order.rows)) {
      signal?.throwIfAborted()
      const keys = await bringKeys(tx, db.dialect, importId, chunk.rows)
      owners.note(chunk.rows, keys)
      await addRows(tx, db.dialect, importId, [...chunk.cells.values()])
      faultPoint('import rows added')
      loaded.rows += chunk.rows.length
      for (const { requestCount } of chunk.rows) loaded.requests += requestCount
    }
    const isSame =
      loaded.rows === totals.rows && loaded.requests === totals.requests && order.hash() === totals.sha256
    if (!isSame) {
      throw new AnalyticsError(
        'WRONG_USAGE',
        `${order.name} changed while it was imported. Nothing was imported: run it again when nobody writes to it.`,
      )
    }
    await owners.write(tx, db.dialect)
    faultPoint('import loaded')
    return importId
  })
}

/** @throws WRONG_USAGE when a file with this content was imported */
export async function refuseSameFile(tx: Statements, sha256: string): Promise<void> {
  const same = await findSameFile(tx, sha256)
  if (!same) return
  throw new AnalyticsError(
    'WRONG_USAGE',
    `The same file was imported before, as import ${same.id} (${JSON.stringify(same.name)}): it would count twice. To import it again, remove that one first: "apikey-analytics imports remove ${same.id}".`,
  )
}

async function insertImport(
  tx: Statements,
  dialect: Dialect,
  { name, totals, now }: ImportOrder,
): Promise<number> {
  const { format, sha256, since, until, rows, requests, quantities } = totals
  const [inserted] = await tx.query<{ id: number }>(INSERT(dialect), [
    name,
    format,
    sha256,
    now,
    since,
    until,
    rows,
    requests,
  ])
  const { id } = inserted!
  if (id > MOST_IMPORTS) {
    throw new AnalyticsError('DATABASE_REFUSED', `${MOST_IMPORTS} imports is the most that a database has.`)
  }
  if (quantities.size > 0) {
    const given = dialect.givenRows(
      { import_id: 'int', unit: 'text', quantity: 'bigint' },
      [...quantities].map(([unit, quantity]) => [id, unit, toStored(quantity, unit)]),
      1,
    )
    await tx.query(INSERT_QUANTITIES(given.sql), given.params)
  }
  return id
}

/** Rows with the same cell, added up. */
interface Cell {
  readonly row: ImportedRow
  requestCount: number
  durationUs: number
  bins: DurationBins
  readonly quantities: Map<string, { requestCount: number; quantity: bigint }>
}

interface Chunk {
  readonly rows: ImportedRow[]
  readonly cells: Map<string, Cell>
}

async function* inChunks(pages: AsyncIterable<readonly ImportedRow[]>): AsyncGenerator<Chunk> {
  const start = (): Chunk => ({ rows: [], cells: new Map() })
  let chunk = start()
  for await (const rows of pages) {
    for (const row of rows) {
      chunk.rows.push(row)
      addTo(chunk.cells, row)
      if (chunk.cells.size < CHUNK_CELLS && chunk.rows.length < 20 * CHUNK_CELLS) continue
      yield chunk
      chunk = start()
    }
  }
  if (chunk.rows.length > 0) yield chunk
}

function addTo(cells: Map<string, Cell>, row: ImportedRow): void {
  const { key, bucket, bucketMinutes, status, method, endpoint } = row
  const name = `${key.id} ${bucket} ${bucketMinutes} ${status} ${method} ${endpoint}`
  const cell = cells.get(name)
  if (!cell) {
    const quantities = new Map(row.quantities.map(({ unit, ...rest }) => [unit, rest]))
    const { requestCount, durationUs, durationBins: bins } = row
    cells.set(name, { row, requestCount, durationUs, bins, quantities })
    return
  }
  cell.requestCount += row.requestCount
  cell.durationUs += row.durationUs
  cell.bins = mergeBins(cell.bins, row.durationBins)
  for (const { unit, requestCount, quantity } of row.quantities) {
    const sum = cell.quantities.get(unit) ?? { requestCount: 0, quantity: 0n }
    sum.requestCount += requestCount
    sum.quantity += quantity
    cell.quantities.set(unit, sum)
  }
}

function mergeBins(a: DurationBins, b: DurationBins): DurationBins {
  const requests = new Map<number, number>()
  for (const bins of [a, b]) {
    for (let index = 0; index < bins.length; index += 2) {
      requests.set(bins[index]!, (requests.get(bins[index]!) ?? 0) + bins[index + 1]!)
    }
  }
  return [...requests].sort(([one], [other]) => one - other).flat()
}

async function addRows(
  tx: Statements,
  dialect: Dialect,
  importId: number,
  cells: readonly Cell[],
): Promise<void> {
  const to = { bucket: dialect.timeOf('bucket'), bucketMinutes: 'bucket_minutes', importId }
  const counted = cells.flatMap(({ row, requestCount, durationUs, bins }) => {
    if (requestCount === 0) return []
    const { key, endpoint, method, status, bucket, bucketMinutes } = row
    const cell = [key.id, endpoint, method, status, requestCount, durationUs, bins[0], renderBins(bins)]
    return [[...cell, bucket, bucketMinutes]]
  })
  if (counted.length > 0) {
    const given = dialect.givenRows({ ...CELL_COLUMNS, ...PLACE }, counted, 1)
    await tx.query(writeAddCells(dialect, given.sql, to), given.params)
  }
  const quantities = cells.flatMap(({ row, quantities: ofCell }) => {
    const { key, endpoint, method, status, bucket, bucketMinutes } = row
    return [...ofCell].map(([unit, { requestCount, quantity }]) => {
      const stored = toStored(quantity, unit)
      return [key.id, endpoint, method, status, unit, requestCount, stored, bucket, bucketMinutes]
    })
  })
  if (quantities.length > 0) {
    const given = dialect.givenRows({ ...QUANTITY_COLUMNS, ...PLACE }, quantities, 1)
    await tx.query(writeAddQuantities(dialect, given.sql, to), given.params)
  }
}
