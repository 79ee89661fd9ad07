import { setImmediate } from 'node:timers/promises'
import { leaveGaps, measureLatency } from '../duration-bins.ts'
import type { Latency } from '../duration-bins.ts'
import type { BucketMinutes, StoredUsageRow, StreamQuery } from '../usage.ts'
import type { Dialect } from './dialect/dialect.ts'
import { keyColumns } from './key-record.ts'
import type { KeyColumns } from './key-record.ts'
import type { Database } from './open-database.ts'
import { filterUsage, Parameters } from './usage-filter.ts'

/** Large enough that round trips cost little, small enough that a page is about a megabyte. */
const PAGE_ROWS = 2000

/** A key as its rows show it. */
export type StoredKey = Pick<StoredUsageRow, 'keyId' | 'keyLabel' | 'keyName' | 'keyOwner'>

/** Stored rows by column: what is at one index of every column is one row. Columns cost a third of objects. */
export interface UsagePage {
  /** One object per key. */
  readonly key: readonly StoredKey[]
  /** One object for neighbours with the same time: do not change it. */
  readonly bucket: readonly Date[]
  readonly bucketMinutes: readonly BucketMinutes[]
  readonly method: readonly string[]
  readonly endpoint: readonly string[]
  readonly status: readonly number[]
  readonly requestCount: readonly number[]
  readonly durationUs: readonly number[]
  /** Only when asked for. */
  readonly latency?: readonly (Latency | null)[]
}

/** A page as it is stored, before its keys are read. */
type KeylessPage = Omit<UsagePage, 'key'> & { readonly keyId: readonly string[] }

/** The columns of a page without latencies. A page comes as one row of JSON arrays, for a driver takes several times as long row by row. */
const COLUMNS: Readonly<Record<Exclude<keyof KeylessPage, 'latency'>, string>> = {
  keyId: 't.api_key_id',
  bucket: 't.bucket',
  bucketMinutes: 't.bucket_minutes',
  method: 't.method',
  endpoint: 't.endpoint',
  status: 't.status',
  requestCount: 't.request_count',
  durationUs: 't.duration_us',
}

/** Where a page ends: the primary key of its last row. */
type Place = Readonly<Record<string, unknown>>

/** What `streamUsage` gives as rows, by column; no page is empty. */
export async function* streamPages(
  db: Database,
  query: StreamQuery = {},
): AsyncGenerator<UsagePage, void, undefined> {
  const keys = new Map<string, StoredKey>()
  let next: Promise<KeylessPage> | undefined = readPage(db, query)
  while (next) {
    const { keyId, ...page }: KeylessPage = await next
    next = keyId.length === PAGE_ROWS ? readPage(db, query, findPlace({ keyId, ...page })) : undefined
    // if it fails, that is told when its turn comes
    next?.catch(() => {})
    await addKeys(db, keyId, keys)
    // the statement goes out now, so that a server works on it while this page is used
    await setImmediate()
    if (keyId.length > 0) yield { key: keyId.map((id) => keys.get(id)!), ...page }
  }
}

/** The statement of one page, after the place where the page before ended. */
export function writePageStatement(
  dialect: Dialect,
  query: StreamQuery,
  place?: Place,
): { sql: string; params: unknown[] } {
  const parameters = new Parameters()
  const conditions = [filterUsage(dialect, query, parameters)]
  const order = dialect.storedOrder.map((column) => `t.${column}`)
  if (place) {
    const values = dialect.storedOrder.map((column) => {
      const value = parameters.add(place[column])
      return column === 'bucket' ? dialect.timeOf(value) : value
    })
    conditions.push(`(${order.join(', ')}) > (${values.join(', ')})`)
  }
  const columns = Object.entries(COLUMNS).map(([name, column]) => {
    const value = name === 'bucket' ? dialect.millisecondsOf(column) : column
    return `${dialect.jsonColumn(value)} as "${name}"`
  })
  if (query.latency) {
    columns.push(`${dialect.jsonColumn('t.duration_first_bin')} as "durationFirstBin"`)
    columns.push(`${dialect.jsonColumn(dialect.histogram.toJson('t.duration_bins'))} as "durationBins"`)
  }
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

async function readPage(db: Database, query: StreamQuery, place?: Place): Promise<KeylessPage> {
  const { sql, params } = writePageStatement(db.dialect, query, place)
  const [found] = await db.query<Record<string, string | null>>(sql, params)
  const read = <T>(name: string): T[] => JSON.parse(found?.[name] ?? '[]') as T[]
  return {
    keyId: read('keyId'),
    bucket: toDates(read('bucket')),
    bucketMinutes: read('bucketMinutes'),
    method: read('method'),
    endpoint: read('endpoint'),
    status: read('status'),
    requestCount: read('requestCount'),
    durationUs: read('durationUs'),
    ...(query.latency && { latency: toLatencies(read('durationFirstBin'), read('durationBins')) }),
  }
}

function toLatencies(
  firsts: readonly (number | null)[],
  histograms: readonly (readonly number[] | null)[],
): (Latency | null)[] {
  return histograms.map((bins, row) => bins && measureLatency(leaveGaps(bins, firsts[row] ?? 0)))
}

function toDates(times: readonly number[]): Date[] {
  let date = new Date(Number.NaN)
  return times.map((time) => (date.getTime() === time ? date : (date = new Date(time))))
}

/** Keys are read apart, each once. */
async function addKeys(db: Database, keyIds: readonly string[], keys: Map<string, StoredKey>): Promise<void> {
  const ids = [...new Set(keyIds.filter((id) => !keys.has(id)))]
  if (ids.length === 0) return
  // one that is not found was forgotten a moment after its rows were read
  for (const id of ids) keys.set(id, { keyId: id, keyLabel: '', keyName: null, keyOwner: null })
  const found = await db.query<KeyColumns>(
    `select ${keyColumns(db.dialect)}
from api_key_analytics_keys k
where k.id in (${ids.map((_, index) => `$${index + 1}`).join(', ')})`,
    ids,
  )
  for (const { key_id: keyId, key_label: keyLabel, key_name: keyName, key_owner: keyOwner } of found) {
    keys.set(keyId, { keyId, keyLabel, keyName, keyOwner })
  }
}
