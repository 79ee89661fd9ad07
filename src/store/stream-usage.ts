import { setImmediate } from 'node:timers/promises'
import type { BucketMinutes, StoredUsageRow, UsageFilter } from '../usage.ts'
import type { Dialect } from './dialect/dialect.ts'
import { keyColumns } from './key-record.ts'
import type { KeyColumns } from './key-record.ts'
import type { Database } from './open-database.ts'
import { filterUsage, Parameters } from './usage-filter.ts'

/** Large enough that round trips cost little, small enough that a page is about a megabyte. */
const PAGE_ROWS = 2000

/** A page in one row: each column is a JSON array, for a driver takes several times as long to read it row by row. */
type Page = Readonly<Record<keyof typeof COLUMNS, string | null>>

/** Keys by id. */
type Keys = Map<string, KeyColumns>

const COLUMNS = {
  key_id: 't.api_key_id',
  bucket: 't.bucket',
  bucket_minutes: 't.bucket_minutes',
  method: 't.method',
  endpoint: 't.endpoint',
  status: 't.status',
  request_count: 't.request_count',
  duration_us: 't.duration_us',
}

/**
 * Every stored row that a filter lets through, in pages, in one order (bytewise): by key and bucket on SQLite, by bucket
 * and key on PostgreSQL, then by width, endpoint, method, status. Memory stays constant. Each page is a statement of its own, so rows that change
 * meanwhile appear as they are when their page is read.
 */
export async function* streamUsage(
  db: Database,
  filter: UsageFilter = {},
): AsyncGenerator<readonly StoredUsageRow[], void, undefined> {
  const keys: Keys = new Map()
  let next: Promise<StoredUsageRow[]> | undefined = readPage(db, filter, undefined, keys)
  while (next) {
    const page: StoredUsageRow[] = await next
    next = page.length === PAGE_ROWS ? readPage(db, filter, page.at(-1), keys) : undefined
    // if it fails, that is told when its turn comes
    next?.catch(() => {})
    // the statement goes out now, so that a server works on it while this page is used
    await setImmediate()
    if (page.length > 0) yield page
  }
}

/** The statement of one page, after the last row of the page before. */
export function writePageStatement(
  dialect: Dialect,
  filter: UsageFilter,
  last: StoredUsageRow | undefined,
): { sql: string; params: unknown[] } {
  const parameters = new Parameters()
  const conditions = [filterUsage(dialect, filter, parameters)]
  const order = dialect.storedOrder.map((column) => `t.${column}`)
  if (last) conditions.push(`(${order.join(', ')}) > (${placeOf(dialect, last, parameters)})`)
  const columns = Object.entries(COLUMNS).map(([name, column]) => {
    const value = name === 'bucket' ? dialect.millisecondsOf(column) : column
    return `${dialect.jsonColumn(value)} as ${name}`
  })
  const sql = `select ${columns.join(',\n  ')}
from (
  select *
  from api_key_analytics t
  where ${conditions.join('\n  and ')}
  order by ${order.join(', ')}
  limit ${PAGE_ROWS}
) t`
  return { sql, params: parameters.values }
}

function placeOf(dialect: Dialect, last: StoredUsageRow, parameters: Parameters): string {
  const values: Record<string, unknown> = {
    api_key_id: last.keyId,
    bucket: last.bucket.getTime(),
    bucket_minutes: last.bucketMinutes,
    endpoint: last.endpoint,
    method: last.method,
    status: last.status,
  }
  const place = dialect.storedOrder.map((column) => {
    const value = parameters.add(values[column])
    return column === 'bucket' ? dialect.timeOf(value) : value
  })
  return place.join(', ')
}

async function readPage(
  db: Database,
  filter: UsageFilter,
  last: StoredUsageRow | undefined,
  keys: Keys,
): Promise<StoredUsageRow[]> {
  const { sql, params } = writePageStatement(db.dialect, filter, last)
  const [page] = await db.query<Page>(sql, params)
  const ids = readColumn<string>(page?.key_id)
  await addKeys(
    db,
    [...new Set(ids)].filter((id) => !keys.has(id)),
    keys,
  )
  return page ? toRows(page, ids, keys) : []
}

/** Keys are read apart, each once. */
async function addKeys(db: Database, ids: readonly string[], keys: Keys): Promise<void> {
  if (ids.length === 0) return
  const found = await db.query<KeyColumns>(
    `select ${keyColumns(db.dialect)}
from api_key_analytics_keys k
where k.id in (${ids.map((_, index) => `$${index + 1}`).join(', ')})`,
    ids,
  )
  for (const key of found) keys.set(key.key_id, key)
}

function toRows(page: Page, ids: readonly string[], keys: Keys): StoredUsageRow[] {
  const buckets = readColumn<number>(page.bucket)
  const minutes = readColumn<BucketMinutes>(page.bucket_minutes)
  const methods = readColumn<string>(page.method)
  const endpoints = readColumn<string>(page.endpoint)
  const statuses = readColumn<number>(page.status)
  const counts = readColumn<number>(page.request_count)
  const durations = readColumn<number>(page.duration_us)
  return ids.map((keyId, row) => {
    // without a key: it was forgotten a moment after its rows were read
    const key = keys.get(keyId)
    return {
      keyId,
      keyLabel: key?.key_label ?? '',
      keyName: key?.key_name ?? null,
      keyOwner: key?.key_owner ?? null,
      bucket: new Date(buckets[row]!),
      bucketMinutes: minutes[row]!,
      method: methods[row]!,
      endpoint: endpoints[row]!,
      status: statuses[row]!,
      requestCount: counts[row]!,
      durationUs: durations[row]!,
    }
  })
}

function readColumn<T>(json: string | null | undefined): T[] {
  return JSON.parse(json ?? '[]') as T[]
}
