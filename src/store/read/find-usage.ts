import { isCalendarUnit } from '../../time/calendar.ts'
import { toSparseBins } from '../../model/duration-bins.ts'
import { measureLatency } from '../../model/latency.ts'
import type { Latency } from '../../model/latency.ts'
import type { KeyRecord } from '../../model/key.ts'
import { AnalyticsError } from '../../model/errors.ts'
import type { UsageDimension, UsageQuery } from '../../model/usage-query.ts'
import type { TrendStep, UsageRow } from '../../model/usage-row.ts'
import { followLinks } from './follow-links.ts'
import { findQuantities, textOfGroup } from './find-quantities.ts'
import type { GroupName } from './find-quantities.ts'
import { toKeyRecord } from './key-record.ts'
import type { KeyColumns } from './key-record.ts'
import { readExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import { findTimeSpan, requireTimeZone, timeBorders } from './time-borders.ts'
import type { TimeBorders } from './time-borders.ts'
import { writeUsageStatement } from './write-usage-statement.ts'
import type { AS_SUMMED } from './write-usage-statement.ts'

type Found = KeyColumns &
  Record<keyof typeof AS_SUMMED, string | number | null> & { readonly owner: string | null } & {
    [name: string]: unknown
  }

/**
 * Sums up usage by any combination of dimensions, in a total order. Without matching rows there are no groups, so `by:
 * []` then returns no row.
 * @throws ARGUMENT_INVALID for an invalid time zone, date, status or key id
 */
export async function findUsage(db: Database, asked: UsageQuery): Promise<UsageRow[]> {
  checkUnit(asked)
  const { query, hasLines } = await followLinks(db, asked)
  const by = [...new Set(query.by)]
  const borders = await findBorders(db, query.trend ? [...by, query.trend] : by, query)
  const { sql, params } = writeUsageStatement(db.dialect, query, by, borders, hasLines)
  const found = await db.query<Found>(sql, params)
  const quantities = query.units ? await findQuantities(db, query, by, borders, hasLines) : undefined
  return found
    .filter((row) => row.request_count !== null)
    .map((row) => {
      const group = toUsageRow(row, by, query, borders)
      if (!quantities) return group
      return Object.assign(group, { quantities: quantities.get(textOfGroup(nameOfGroup(row, by))) ?? [] })
    })
}

/** @throws ARGUMENT_INVALID for what a query of one unit cannot have, or cannot have without one */
function checkUnit({ unit, units, latency, sort }: UsageQuery): void {
  const problem =
    unit === undefined
      ? sort === 'quantity' && 'sort: "quantity" needs a "unit".'
      : units
        ? '"unit" chooses one unit, "units" adds all: leave one of them out.'
        : latency && 'Quantities have no durations: leave "latency" or "unit" out.'
  if (problem) throw new AnalyticsError('ARGUMENT_INVALID', problem)
}

/** The name of a group, as `findQuantities` gives it. */
function nameOfGroup(row: Found, by: readonly UsageDimension[]): GroupName {
  return by.map((dimension) => (dimension === 'key' ? row.key_id : (row[dimension] as GroupName[number])))
}

/** The borders of every dimension of time in `by`. */
export async function findBorders(
  db: Database,
  by: readonly UsageDimension[],
  query: UsageQuery,
): Promise<Map<UsageDimension, TimeBorders>> {
  const timeZone = query.timeZone ?? 'UTC'
  requireTimeZone(timeZone)
  const units = by.filter(isCalendarUnit)
  if (units.length === 0) return new Map()
  // in UTC only months need computed borders
  const span =
    timeZone === 'UTC' && !units.includes('month') ? { from: 0, to: 0 } : await findTimeSpan(db, query)
  return new Map(units.map((unit) => [unit, timeBorders(unit, timeZone, span)]))
}

function toUsageRow(
  row: Found,
  by: readonly UsageDimension[],
  { trend, latency, unit }: UsageQuery,
  borders: ReadonlyMap<UsageDimension, TimeBorders>,
): UsageRow {
  const group = by.map((dimension) => {
    if (dimension === 'key') return [dimension, keyOfRow(row, by)]
    if (dimension === 'owner') return [dimension, row.owner]
    const time = borders.get(dimension)
    return [dimension, time ? time.startOf(Number(row[dimension])) : row[dimension]]
  })
  return {
    ...(Object.fromEntries(group) as Partial<UsageRow>),
    requestCount: Number(row.request_count),
    clientErrorCount: Number(row.client_error_count),
    serverErrorCount: Number(row.server_error_count),
    rejectedCount: Number(row.rejected_count),
    durationUs: Number(row.duration_us),
    firstBucket: new Date(Number(row.first_bucket)),
    lastBucket: new Date(Number(row.last_bucket)),
    ...(unit !== undefined && { quantity: readExact(String(row['quantity'])) }),
    ...(latency && { latency: readLatency(row['duration_bins']) }),
    ...(trend && { trend: readTrend(String(row['trend']), borders.get(trend)!) }),
  }
}

/** Grouped by owner too, a key shows the owner of its group. */
function keyOfRow(row: Found, by: readonly UsageDimension[]): KeyRecord {
  const key = toKeyRecord(row)
  return by.includes('owner') ? { ...key, owner: row.owner } : key
}

/** SQLite gives the bins as JSON. */
function readLatency(bins: unknown): Latency | null {
  const sums = (typeof bins === 'string' ? JSON.parse(bins) : bins) as (number | null)[]
  return measureLatency(toSparseBins(sums))
}

function readTrend(text: string, borders: TimeBorders): TrendStep[] {
  const steps = new Map<number, { requestCount: number; errorCount: number; quantity?: bigint }>()
  for (const part of text.split(',')) {
    const [number = 0, requests = 0, errors = 0] = part.split(' ', 3).map(Number)
    const halves = /^\S+ \S+ \S+ (.+)/.exec(part)?.[1]
    const step = steps.get(number) ?? { requestCount: 0, errorCount: 0 }
    step.requestCount += requests
    step.errorCount += errors
    if (halves) step.quantity = (step.quantity ?? 0n) + readExact(halves)
    steps.set(number, step)
  }
  const inOrder = [...steps].sort(([a], [b]) => a - b)
  return inOrder.map(([number, counts]) => Object.assign({ start: borders.startOf(number) }, counts))
}
