import { AnalyticsError } from '../../model/errors.ts'
import { instantOf, offsetMs, stepsBetween, wallTimeOf } from '../../time/calendar.ts'
import type { CalendarUnit } from '../../time/calendar.ts'
import type { UsageFilter } from '../../model/usage-query.ts'
import type { Database } from '../database/open-database.ts'
import { USAGE_TABLES } from '../database/usage-tables.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../time/units.ts'

/** How SQL assigns times to the hours, days, weeks or months of a time zone. */
export interface TimeBorders {
  /** SQL for the number of the unit that holds a time, given SQL for its epoch milliseconds. */
  numberOf(milliseconds: string): string
  /** The start of the unit with a number. */
  startOf(number: number): Date
  /** The widest bucket in minutes (1, 60 or 1440) that no border can cut; 0 when any can be cut. */
  readonly uncutMinutes: number
}

/** A value that is valid from a moment on (epoch milliseconds). */
interface Cut {
  readonly from: number
  readonly value: number
}

/** The time from the first to the last bucket of a database, epoch milliseconds. */
export interface TimeSpan {
  readonly from: number
  readonly to: number
}

/** No time zone has changed its offset twice within a week since 1970. */
const STEP_MS = 7 * DAY_MS

/** The time between the first bucket and the end of the last one, cut to `since` and `until`. */
export async function findTimeSpan(
  db: Database,
  { since, until }: Pick<UsageFilter, 'since' | 'until'>,
): Promise<TimeSpan> {
  // subqueries: SQLite finds a single min or max by index, but scans for both together
  const end = (which: 'min' | 'max', table: string) =>
    db.dialect.millisecondsOf(`(select ${which}(bucket) from ${table})`)
  const spans = await db.query<{ first: string | null; last: string | null }>(
    USAGE_TABLES.map((table) => `select ${end('min', table)} as first, ${end('max', table)} as last`).join(
      ' union all ',
    ),
  )
  const some = spans.filter(({ first }) => first !== null)
  const first = Math.min(...some.map((span) => Number(span.first)))
  const from = Math.max(some.length > 0 ? first : 0, since?.getTime() ?? 0)
  // one more day on each side: rows may be wider than the rest of the period
  const last = Math.max(0, ...some.map((span) => Number(span.last)))
  const to = Math.min(last, until?.getTime() ?? Infinity) + DAY_MS
  return { from: from - DAY_MS, to: Math.max(from, to) + DAY_MS }
}

/**
 * The borders of a unit within a time span. The time zone's changes of offset are computed once and become plain SQL.
 */
export function timeBorders(unit: CalendarUnit, timeZone: string, span: TimeSpan): TimeBorders {
  const offsets = findOffsets(timeZone, span)
  const uncutMinutes = findUncutMinutes(unit, offsets)
  const localOf = (ms: string): string => `(${ms} + ${chooseByTime(ms, offsets)})`
  const dayOf = (ms: string): string => `${localOf(ms)} / ${DAY_MS}`
  const startOfDay = rememberDays((day) => instantOf({ year: 1970, month: 1, day: day + 1 }, timeZone))
  if (unit === 'hour') {
    return { uncutMinutes, numberOf: (ms) => `${ms} - ${localOf(ms)} % ${HOUR_MS}`, startOf: toDate }
  }
  if (unit === 'day') return { uncutMinutes, numberOf: dayOf, startOf: startOfDay }
  if (unit === 'week') {
    // 1970-01-01 was a Thursday
    const numberOf = (ms: string): string => `(${dayOf(ms)} + 3) / 7`
    return { uncutMinutes, numberOf, startOf: (week) => startOfDay(week * 7 - 3) }
  }
  const months = stepsBetween('month', toDate(span.from), toDate(span.to), timeZone)
  const cuts = months.map((start) => ({ from: start.getTime(), value: start.getTime() }))
  return { uncutMinutes, numberOf: (ms) => chooseByTime(ms, cuts), startOf: toDate }
}

/** @throws ARGUMENT_INVALID when a time zone is not an IANA name. */
export function requireTimeZone(timeZone: string): void {
  try {
    wallTimeOf(new Date(0), timeZone)
  } catch (cause) {
    const hint = 'Use an IANA name such as Europe/Berlin.'
    throw new AnalyticsError(
      'ARGUMENT_INVALID',
      `There is no time zone ${JSON.stringify(timeZone)}. ${hint}`,
      {
        cause,
      },
    )
  }
}

function findOffsets(timeZone: string, { from, to }: TimeSpan): Cut[] {
  if (timeZone === 'UTC') return [{ from, value: 0 }]
  const offsetAt = (time: number): number => offsetMs(time, timeZone)
  const offsets: Cut[] = [{ from, value: offsetAt(from) }]
  for (let time = from; time < to; time += STEP_MS) {
    const value = offsetAt(time + STEP_MS)
    const changed = value !== offsets.at(-1)?.value
    if (changed) offsets.push({ from: findChange(offsetAt, time, time + STEP_MS), value })
  }
  return offsets
}

/** The first whole second after `before` that has the offset of `after`. */
function findChange(offsetAt: (time: number) => number, before: number, after: number): number {
  const value = offsetAt(after)
  let low = Math.floor(before / 1000)
  let high = Math.ceil(after / 1000)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1000) === value) high = middle
    else low = middle
  }
  return high * 1000
}

/** Borders lie on whole units of local time. Where these are whole UTC buckets too, no bucket is cut. */
function findUncutMinutes(unit: CalendarUnit, offsets: readonly Cut[]): number {
  const unitMs = unit === 'hour' ? HOUR_MS : DAY_MS
  const fits = (minutes: number): boolean =>
    unitMs % (minutes * MINUTE_MS) === 0 &&
    offsets.every(({ from, value }, index) => {
      // a change of offset may also be a border
      const aligned = index === 0 || from % (minutes * MINUTE_MS) === 0
      return aligned && value % (minutes * MINUTE_MS) === 0
    })
  return [1440, 60, 1].find(fits) ?? 0
}

/** SQL that finds the value for a time by binary search: few comparisons per row, even over many years. */
function chooseByTime(milliseconds: string, cuts: readonly Cut[]): string {
  const middle = cuts[cuts.length >> 1]
  if (cuts.length < 2 || !middle) return String(cuts[0]?.value ?? 0)
  const before = chooseByTime(milliseconds, cuts.slice(0, cuts.length >> 1))
  const after = chooseByTime(milliseconds, cuts.slice(cuts.length >> 1))
  return `case when ${milliseconds} < ${middle.from} then ${before} else ${after} end`
}

function toDate(milliseconds: number): Date {
  return new Date(milliseconds)
}

/** Cached, because many rows fall on one day and a look-up in the time zone takes microseconds. */
function rememberDays(find: (day: number) => Date): (day: number) => Date {
  const found = new Map<number, Date>()
  return (day) => {
    const known = found.get(day) ?? find(day)
    found.set(day, known)
    return known
  }
}
