import { setImmediate } from 'node:timers/promises'
import type { StreamQuery } from '../../model/usage-query.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { cellsWithoutRequests, comparePlace, findPlace, readPageQuantities } from './page-quantities.ts'
import type { Place } from './page-quantities.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterUsage } from './usage-filter.ts'
import { DURATION_COLUMNS, IMPORT_COLUMNS, USAGE_COLUMNS, toPage } from './usage-page.ts'
import type { KeylessPage, StoredColumns } from './usage-page.ts'

/** On SQLite small enough that V8 frees a page early, on Citus large enough that round trips cost little. */
const PAGE_ROWS: Record<Dialect['kind'], number> = { sqlite: 500, postgresql: 2000 }

/**
 * Stored rows in pages, each read by its own statement that begins after the last row of the page before. No
 * transaction stays open while the caller reads slowly, so the log of an SQLite file can be cleaned up.
 */
export async function* readPages(
  db: Database,
  query: StreamQuery,
): AsyncGenerator<KeylessPage, void, undefined> {
  let next: Promise<KeylessPage> | undefined = readPage(db, query)
  while (next) {
    const page: KeylessPage = await next
    const rows = page.keyId.length
    next = rows === PAGE_ROWS[db.dialect.kind] ? readPage(db, query, findPlace(page)) : undefined
    // A failure is reported when the page is read.
    next?.catch(() => {})
    // Send the statement now, so that a server works on it while the caller uses this page.
    await setImmediate()
    if (rows > 0) yield query.imports ? page : withoutImports(page)
  }
}

/** Which import a row is from is always read, because it is part of the place of a row. */
function withoutImports({ importId: _importId, ...page }: KeylessPage): KeylessPage {
  return page
}

/** The columns that `cellsWithoutRequests` has too. */
const STORED = `t.api_key_id, t.bucket, t.bucket_minutes, t.endpoint, t.method, t.status,
    t.request_count, t.duration_us, t.duration_first_bin, t.duration_bins, t.import_id`

/** The first rows of two lists of rows, both in order. */
function mergeRows(a: string, b: string, inOrder: string): string {
  return `select * from (
    select * from (${a}) a
    union all
    select * from (${b}) b
  ) t ${inOrder}`
}

/** The statement of one page, which begins after the end of the page before. */
export function writePageStatement(
  dialect: Dialect,
  query: StreamQuery,
  after?: Place,
): { sql: string; params: unknown[] } {
  const parameters = new SqlParameters()
  const conditions = [filterUsage(dialect, query, parameters)]
  const order = dialect.storedOrder.map((column) => `t.${column}`)
  if (after) conditions.push(comparePlace(dialect, '>', after, parameters))
  const columns = {
    ...USAGE_COLUMNS,
    bucket: dialect.millisecondsOf(USAGE_COLUMNS.bucket),
    ...IMPORT_COLUMNS,
    ...(query.latency && {
      ...DURATION_COLUMNS,
      durationBins: dialect.histogram.toJson(DURATION_COLUMNS.durationBins),
    }),
  }
  // one row of JSON arrays, because a driver takes several times as long row by row
  const selected = Object.entries(columns).map(([name, sql]) => `${dialect.jsonColumn(sql)} as "${name}"`)
  const inOrder = `order by ${order.join(', ')}
  limit ${PAGE_ROWS[dialect.kind]}`
  const condition = conditions.join('\n  and ')
  const rows = `select ${query.units ? STORED : '*'}
  from api_key_analytics t
  where ${condition}
  ${inOrder}`
  const sql = `select ${selected.join(',\n  ')}
from (
  ${query.units ? mergeRows(rows, `${cellsWithoutRequests(dialect, condition)} ${inOrder}`, inOrder) : rows}
) t`
  return { sql, params: parameters.values }
}

/** With units in one snapshot, so that the quantities of a row are those of its requests. */
async function readPage(db: Database, query: StreamQuery, after?: Place): Promise<KeylessPage> {
  if (!query.units) return readColumns(db, db.dialect, query, after)
  const read = async (tx: Statements): Promise<KeylessPage> => {
    const page = await readColumns(tx, db.dialect, query, after)
    if (page.keyId.length === 0) return page
    return { ...page, quantities: await readPageQuantities(tx, db.dialect, query, page, after) }
  }
  // Citus has no snapshot of all its servers
  return db.distributed ? read(db) : db.transaction(read, 'snapshot')
}

async function readColumns(
  tx: Statements,
  dialect: Dialect,
  query: StreamQuery,
  after: Place | undefined,
): Promise<KeylessPage> {
  const { sql, params } = writePageStatement(dialect, query, after)
  const [found = {}] = await tx.query<Record<string, string | null>>(sql, params)
  const columns = Object.entries(found).map(([name, json]) => [name, JSON.parse(json ?? '[]')])
  return toPage(Object.fromEntries(columns) as StoredColumns)
}
