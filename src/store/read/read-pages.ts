import { setImmediate } from 'node:timers/promises'
import type { StreamQuery } from '../../model/usage-query.ts'
import type { Dialect } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { filterUsage, Parameters } from './usage-filter.ts'
import { DURATION_COLUMNS, USAGE_COLUMNS, toPage } from './usage-page.ts'
import type { KeylessPage, StoredColumns } from './usage-page.ts'

/** On SQLite small enough that V8 frees a page early, on Citus large enough that round trips cost little. */
const PAGE_ROWS: Record<Dialect['kind'], number> = { sqlite: 500, postgresql: 2000 }

/** The end of a page: the primary key of its last row. */
type Place = Readonly<Record<string, unknown>>

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
    if (rows > 0) yield page
  }
}

/** The statement of one page, which begins after the end of the page before. */
export function writePageStatement(
  dialect: Dialect,
  query: StreamQuery,
  databaseLabel?: Place,
): { sql: string; params: unknown[] } {
  const parameters = new Parameters()
  const conditions = [filterUsage(dialect, query, parameters)]
  const order = dialect.storedOrder.map((column) => `t.${column}`)
  if (databaseLabel) {
    const values = dialect.storedOrder.map((column) => {
      const value = parameters.add(databaseLabel[column])
      return column === 'bucket' ? dialect.timeOf(value) : value
    })
    conditions.push(`(${order.join(', ')}) > (${values.join(', ')})`)
  }
  const columns = {
    ...USAGE_COLUMNS,
    bucket: dialect.millisecondsOf(USAGE_COLUMNS.bucket),
    ...(query.latency && {
      ...DURATION_COLUMNS,
      durationBins: dialect.histogram.toJson(DURATION_COLUMNS.durationBins),
    }),
  }
  // one row of JSON arrays, because a driver takes several times as long row by row
  const selected = Object.entries(columns).map(([name, sql]) => `${dialect.jsonColumn(sql)} as "${name}"`)
  const sql = `select ${selected.join(',\n  ')}
from (
  select *
  from api_key_analytics t
  where ${conditions.join('\n  and ')}
  order by ${order.join(', ')}
  limit ${PAGE_ROWS[dialect.kind]}
) t`
  return { sql, params: parameters.values }
}

function findPlace(page: KeylessPage): Place {
  return {
    api_key_id: page.keyId.at(-1),
    bucket: page.bucket.at(-1)?.getTime(),
    bucket_minutes: page.bucketMinutes.at(-1),
    endpoint: page.endpoint.at(-1),
    method: page.method.at(-1),
    status: page.status.at(-1),
  }
}

async function readPage(db: Database, query: StreamQuery, databaseLabel?: Place): Promise<KeylessPage> {
  const { sql, params } = writePageStatement(db.dialect, query, databaseLabel)
  const [found = {}] = await db.query<Record<string, string | null>>(sql, params)
  const columns = Object.entries(found).map(([name, json]) => [name, JSON.parse(json ?? '[]')])
  return toPage(Object.fromEntries(columns) as StoredColumns)
}
