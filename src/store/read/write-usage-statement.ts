import { histogramOf } from '../database/histogram.ts'
import { isCalendarUnit } from '../../time/calendar.ts'
import type { UsageDimension, UsageQuery, UsageSort } from '../../model/usage-query.ts'
import { byteOrder } from '../database/byte-order.ts'
import { orderOfHalves, sumHalves, textOfHalves } from '../database/exact-sum.ts'
import type { Halves } from '../database/exact-sum.ts'
import type { Dialect } from '../database/dialect.ts'
import { keyColumns, lineColumns, selectLines } from './key-record.ts'
import { JOIN_FORMER_OWNER, OF_KEYS_WITH_FORMER_OWNERS } from './owner-of-rows.ts'
import type { TimeBorders } from './time-borders.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterCounted, ofEveryKey, tableOf } from './usage-filter.ts'

/** The sums over the rows of a table. Quantities have no durations. */
const SUMS = (duration: string) => `sum(t.request_count) as request_count,
    coalesce(sum(t.request_count) filter (where t.status between 400 and 499), 0) as client_error_count,
    coalesce(sum(t.request_count) filter (where t.status between 500 and 599), 0) as server_error_count,
    coalesce(sum(t.request_count) filter (where t.status in (401, 403)), 0) as rejected_count,
    ${duration} as duration_us,
    min(t.bucket) as first_bucket,
    max(t.bucket) as last_bucket`

/** The sums, and the same added up again over the keys of an owner or the steps of a trend. */
export const AS_SUMMED = {
  request_count: 'u.request_count',
  client_error_count: 'u.client_error_count',
  server_error_count: 'u.server_error_count',
  rejected_count: 'u.rejected_count',
  duration_us: 'u.duration_us',
  first_bucket: 'u.first_bucket',
  last_bucket: 'u.last_bucket',
}
const SUMMED_AGAIN: typeof AS_SUMMED = {
  request_count: 'sum(u.request_count)',
  client_error_count: 'sum(u.client_error_count)',
  server_error_count: 'sum(u.server_error_count)',
  rejected_count: 'sum(u.rejected_count)',
  duration_us: 'sum(u.duration_us)',
  first_bucket: 'min(u.first_bucket)',
  last_bucket: 'max(u.last_bucket)',
}

/** Of a unit, its quantity too: over the rows, as summed, and the same added up again. */
const QUANTITY = {
  summed: sumHalves('t.quantity'),
  asSummed: { high: 'u.quantity_high', low: 'u.quantity_low' },
  again: { high: 'sum(u.quantity_high)', low: 'sum(u.quantity_low)' },
}

/**
 * `step requests errors` of every step of a group, unordered; of a unit also both halves of the quantity. An owner has a
 * step once per key.
 */
const TREND = (withQuantity: boolean) => `string_agg(
    u.trend_step || ' ' || u.request_count || ' ' || (u.client_error_count + u.server_error_count)${
      withQuantity ? ` || ' ' || ${textOfHalves(QUANTITY.asSummed)}` : ''
    }, ',')`

/** The histogram of a group, and of several groups added up. */
const BINS = {
  summed: histogramOf('t'),
  again: { first: '0', bins: 'u.duration_bins' },
}

/** The owner of sums `u`, grouped by key and `owner_until`: the end of the period of a former owner. */
const JOIN_OWNER_OF_SUMS =
  'left join api_key_analytics_owners f on f.api_key_id = u.api_key_id and f.until = u.owner_until'
const OWNER = 'case when f.api_key_id is null then k.owner else f.owner end'

/**
 * The rows, and the cells that have quantities as rows without requests: what comes after its request was counted may be
 * all that a bucket has of a cell.
 */
const ROWS_AND_CELLS_OF_QUANTITIES = `(
    select api_key_id, bucket, bucket_minutes, endpoint, method, status,
      request_count, duration_us, duration_first_bin, duration_bins, import_id
    from api_key_analytics
    union all
    select api_key_id, bucket, bucket_minutes, endpoint, method, status,
      0 as request_count, 0 as duration_us, null as duration_first_bin, null as duration_bins, import_id
    from api_key_analytics_quantities
  ) t`

/**
 * The one statement of `findUsage`. It sums rows up by key id (and step of the trend) first. Only these sums are joined
 * with keys, and added up again where a group has several.
 */
export function writeUsageStatement(
  dialect: Dialect,
  query: UsageQuery,
  by: readonly UsageDimension[],
  borders: ReadonlyMap<UsageDimension, TimeBorders>,
  hasLines = false,
): { sql: string; params: unknown[] } {
  const parameters = new SqlParameters()
  const withKey = by.includes('key')
  const withOwner = by.includes('owner')
  const byLine = withKey && hasLines
  const owner = byLine ? 'u.owner' : OWNER
  const columns = by.filter((dimension) => dimension !== 'key' && dimension !== 'owner')
  const again = withOwner || byLine || query.trend !== undefined
  const sums = again ? SUMMED_AGAIN : AS_SUMMED
  const ofUnit = query.unit !== undefined
  const quantity = again ? QUANTITY.again : QUANTITY.asSummed

  const inner = columns.map((dimension) => columnOf(dialect, dimension, borders))
  if (withKey || withOwner) inner.push('t.api_key_id as api_key_id')
  if (query.trend) inner.push(columnOf(dialect, query.trend, borders, 'trend_step'))
  const outer = columns.map((dimension) => `u.${dimension}`)
  if (withKey) outer.push(byLine ? lineColumns(dialect) : keyColumns(dialect))
  if (withOwner) outer.push(`${owner} as owner`)
  const groups = [
    ...(withKey ? ['k.id'] : []),
    ...(withOwner ? [owner] : []),
    ...columns.map((dimension) => `u.${dimension}`),
  ]
  for (const [name, sql] of Object.entries(sums)) {
    outer.push(`${name.endsWith('bucket') ? dialect.millisecondsOf(sql) : sql} as ${name}`)
  }
  if (query.trend) outer.push(`${TREND(ofUnit)} as trend`)
  const sumUp = [...inner, SUMS(ofUnit ? '0' : 'sum(t.duration_us)')]
  if (ofUnit) {
    const { high, low } = QUANTITY.summed
    sumUp.push(`${high} as quantity_high`, `${low} as quantity_low`)
    outer.push(`${textOfHalves(quantity)} as quantity`)
  }
  if (query.latency) {
    sumUp.push(`${dialect.histogram.sum(BINS.summed)} as duration_bins`)
    outer.push(`${again ? dialect.histogram.sum(BINS.again) : 'u.duration_bins'} as duration_bins`)
  }
  const summed = sumRows(dialect, sumUp, inner.length, {
    filter: filterCounted(dialect, query, parameters),
    withOwner,
    rows: query.units ? ROWS_AND_CELLS_OF_QUANTITIES : `${tableOf(query)} t`,
  })
  const lines = [
    `select ${outer.join(',\n  ')}`,
    `from (\n${byLine ? addLines(summed, withOwner) : summed}\n) u`,
  ]
  if (byLine) {
    const found = selectLines(query.keyIds?.map((id) => parameters.add(id)))
    lines.push('join api_key_analytics_keys k on k.id = u.line', `left join ${found} n on n.line = u.line`)
  } else if (withKey || withOwner) lines.push('join api_key_analytics_keys k on k.id = u.api_key_id')
  if (withOwner && !byLine) lines.push(JOIN_OWNER_OF_SUMS)
  if (again && groups.length > 0) lines.push(`group by ${groups.join(', ')}`)
  const most = ofUnit ? 'quantity' : 'requests'
  const sort = query.sort ?? (by.some(isCalendarUnit) ? 'group' : most)
  const order = orderOf(dialect, sort, by, { ...sums, quantity }, owner)
  if (order.length > 0) lines.push(`order by ${order.join(', ')}`)
  if (query.limit !== undefined) lines.push(`limit ${parameters.add(query.limit)}`)
  return { sql: lines.join('\n'), params: parameters.values }
}

/**
 * Sums up rows by the first `groups` of the columns. By owner, only the few keys with former owners are summed up
 * period by period. So all other keys take no longer than without owners.
 */
function sumRows(
  dialect: Dialect,
  columns: readonly string[],
  groups: number,
  { filter, withOwner, rows }: { filter: string; withOwner: boolean; rows: string },
): string {
  const numbers = Array.from({ length: groups }, (_, index) => String(index + 1))
  const sum = (columns: readonly string[], rows: string, keys: string, by: readonly string[]): string =>
    `  select ${columns.join(',\n    ')}
  from ${rows}
  where ${filter} and ${keys}${by.length > 0 ? `\n  group by ${by.join(', ')}` : ''}`
  if (!withOwner) return sum(columns, rows, ofEveryKey(dialect), numbers)
  const ofOneOwner = `${ofEveryKey(dialect)} and not ${OF_KEYS_WITH_FORMER_OWNERS}`
  return [
    sum([...columns, 'null as owner_until'], rows, ofOneOwner, numbers),
    sum([...columns, 'o.until'], `${rows}\n  ${JOIN_FORMER_OWNER}`, OF_KEYS_WITH_FORMER_OWNERS, [
      ...numbers,
      'o.until',
    ]),
  ].join('\n  union all\n')
}

/** Adds to sums by key the line of the key, and its owner in the time of the sums: it may differ from that of the line. */
function addLines(summed: string, withOwner: boolean): string {
  const keys = withOwner
    ? `\n  join api_key_analytics_keys k on k.id = u.api_key_id\n  ${JOIN_OWNER_OF_SUMS}`
    : ''
  return `  select u.*, coalesce(l.line, u.api_key_id) as line${withOwner ? `, ${OWNER} as owner` : ''}
  from (\n${summed}\n  ) u
  left join api_key_analytics_links l on l.api_key_id = u.api_key_id${keys}`
}

/** A dimension of a row of usage `t`, as a column. */
export function columnOf(
  dialect: Dialect,
  dimension: UsageDimension,
  borders: ReadonlyMap<UsageDimension, TimeBorders>,
  name: string = dimension,
): string {
  const time = borders.get(dimension)
  return `${time ? time.numberOf(dialect.millisecondsOf('t.bucket')) : `t.${dimension}`} as ${name}`
}

/** Ties are broken by the group, so that the order is total and the same on both databases. */
function orderOf(
  dialect: Dialect,
  sort: UsageSort,
  by: readonly UsageDimension[],
  sums: typeof AS_SUMMED & { readonly quantity: Halves },
  owner: string,
): string[] {
  const first = {
    quantity: orderOfHalves(sums.quantity).map((part) => `${part} desc`),
    requests: [`${sums.request_count} desc`],
    errors: [`${sums.client_error_count} + ${sums.server_error_count} desc`],
    lastUsed: [`${sums.last_bucket} desc`],
    group: [],
  }[sort]
  const groups = by.map((dimension) => {
    if (dimension === 'key') return `${byteOrder(dialect, 'coalesce(k.name, k.label)')}, k.id`
    if (dimension === 'owner') return `${byteOrder(dialect, owner)} nulls last`
    return `u.${dimension}`
  })
  return by.length > 0 ? [...first, ...groups] : []
}
