import { BIN_COUNT } from '../../src/model/duration-bins.ts'
import type { DatabaseKind } from '../support/databases/databases.ts'

/** The sums that every line of a report shows. */
const SUMS = `sum(request_count) as requests,
  sum(request_count) filter (where status between 400 and 499) as client_errors,
  sum(request_count) filter (where status >= 500) as server_errors,
  sum(request_count) filter (where status in (401, 403)) as rejected,
  sum(duration_us) as duration, min(bucket) as first, max(bucket) as last`

const AGAIN = `sum(requests) as requests, sum(client_errors), sum(server_errors), sum(rejected), sum(duration), min(first),
  max(last), string_agg(day || ' ' || requests || ' ' || client_errors || ' ' || server_errors, ',')`

/** The histograms of rows, and of their sums. */
const BINS: Record<DatabaseKind, [ofRows: string, again: string]> = {
  sqlite: ['sum_bins(duration_first_bin, duration_bins) as bins', 'sum_bins(0, bins) as bins'],
  postgresql: [
    arrayOf((bin) => `sum(duration_bins[${bin + 1} - duration_first_bin]::double precision)`),
    arrayOf((bin) => `sum(bins[${bin + 1}])`),
  ],
}

function arrayOf(sumOf: (bin: number) => string): string {
  return `array[${Array.from({ length: BIN_COUNT }, (_, bin) => sumOf(bin)).join(', ')}] as bins`
}

/** Every key in turn: SQLite then reads only the rows of the period, in the order in which they lie. */
const BY_KEY = 'api_key_analytics_keys k cross join api_key_analytics on api_key_id = k.id and'

const DAY: Record<DatabaseKind, string> = {
  sqlite: 'bucket / 86400000',
  postgresql: "date_trunc('day', bucket)",
}
const FROM: Record<DatabaseKind, string> = { sqlite: BY_KEY, postgresql: 'api_key_analytics where' }

/** Sums and days of the endpoints of key $1 since $2. */
export function endpointsOfKey(kind: DatabaseKind): string {
  return `select method, endpoint, ${AGAIN}
from (
  select method, endpoint, ${DAY[kind]} as day, ${SUMS}
  from api_key_analytics
  where api_key_id = $1 and bucket >= $2
  group by 1, 2, 3
) as days
group by method, endpoint
order by requests desc, method, endpoint`
}

/** Sums and days of all keys since $1, and their histograms if they are wanted. */
export function topKeys(kind: DatabaseKind, withBins = false): string {
  const [bins, again] = withBins ? BINS[kind].map((sql) => `, ${sql}`) : ['', '']
  return `select k.id, k.label, k.name, k.owner, ${AGAIN}${again}
from (
  select api_key_id, ${DAY[kind]} as day, ${SUMS}${bins}
  from ${FROM[kind]} bucket >= $1
  group by 1, 2
) as days
join api_key_analytics_keys k on k.id = api_key_id
group by k.id
order by requests desc, k.id`
}

/** The same of all owners. */
export function topCustomers(kind: DatabaseKind): string {
  return `select owner, ${AGAIN}
from (
  select k.owner, days.day, sum(requests) as requests, sum(client_errors) as client_errors,
    sum(server_errors) as server_errors, sum(rejected) as rejected, sum(duration) as duration, min(first) as first,
    max(last) as last
  from (
    select api_key_id, ${DAY[kind]} as day, ${SUMS}
    from ${FROM[kind]} bucket >= $1
    group by 1, 2
  ) as days
  join api_key_analytics_keys k on k.id = api_key_id
  group by 1, 2
) as days
group by owner
order by requests desc, owner`
}

/** The same of all endpoints. */
export function topEndpoints(kind: DatabaseKind, withBins = false): string {
  const [bins, again] = withBins ? BINS[kind].map((sql) => `, ${sql}`) : ['', '']
  return `select method, endpoint, ${AGAIN}${again}
from (
  select method, endpoint, ${DAY[kind]} as day, ${SUMS}${bins}
  from ${FROM[kind]} bucket >= $1
  group by 1, 2, 3
) as days
group by method, endpoint
order by requests desc, method, endpoint`
}

/** Requests from $1 until $2. */
export function totalBetween(kind: DatabaseKind): string {
  return `select sum(request_count) from ${FROM[kind]} bucket >= $1 and bucket < $2`
}

/** The rows as an export has them. */
export const STORED_ROWS = `select k.id, k.label, k.name, k.owner, t.bucket, t.bucket_minutes, t.method, t.endpoint, t.status, t.request_count, t.duration_us from api_key_analytics t join api_key_analytics_keys k on k.id = t.api_key_id`

/** Requests of all hours by status since $1. */
export function hoursAndStatuses(kind: DatabaseKind): string {
  return `select ${kind === 'sqlite' ? 'bucket / 3600000' : "date_trunc('hour', bucket)"} as hour, status, ${SUMS}
from ${FROM[kind]} bucket >= $1
group by 1, 2`
}

/** Sums of every key from $1 until $2. */
export function keysBetween(kind: DatabaseKind): string {
  return `select api_key_id, ${SUMS}
from ${FROM[kind]} bucket >= $1 and bucket < $2
group by 1`
}
