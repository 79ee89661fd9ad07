import { wallTimeOf } from '../time/calendar.ts'
import type { CalendarUnit } from '../time/calendar.ts'
import { queryOf } from '../report/build-report.ts'
import type { ReportRequest, UsageSource } from '../report/build-report.ts'
import { chooseUnit, findSteps, spread } from '../report/build-series.ts'
import { countKeys, measure, sumUp } from '../report/measure-usage.ts'
import { previousPeriod } from '../time/previous-period.ts'
import { toReportedPeriod, toReportedPrevious } from '../report/reported-period.ts'
import type { Measures, ReportedPrevious, UsageReport } from '../report/usage-report.ts'
import type { UsageFilter } from '../model/usage-query.ts'
import type { UsageRow } from '../model/usage-row.ts'
import { DAY_MS } from '../time/units.ts'

/** Requests of one step by status class: 1xx, 2xx, 3xx, 4xx, 5xx. */
export interface ActivityStep {
  readonly start: Date
  readonly statuses: readonly number[]
}

/** Activity over time: the data of `api/activity`. */
export interface Activity {
  readonly period: UsageReport['period']
  readonly total: Measures
  /** Without `(other)` and `(rejected)`. */
  readonly activeKeys: number
  /** The previous period, and its counts. */
  readonly previous: (ReportedPrevious & Measures & { readonly activeKeys: number }) | null
  readonly series: { readonly unit: CalendarUnit; readonly steps: readonly ActivityStep[] }
  /** Requests by status, in the order of statuses. */
  readonly statuses: readonly { readonly status: number; readonly requests: number }[]
  /** Requests per weekday (from Monday) and hour of the day in the time zone; null for a period of over 400 days. */
  readonly heat: readonly (readonly number[])[] | null
  /** Requests in day rows: `heat` has them at the hour in which their day begins. */
  readonly wholeDayRequests: number
}

/** The origin of the numbers. */
export interface ActivitySource extends Pick<UsageSource, 'findUsage' | 'findHistoryStart'> {
  /** Requests in rows of whole UTC days. */
  countWholeDays(filter: UsageFilter & { readonly since: Date; readonly until: Date }): Promise<number>
}

/** A longer period would read tens of thousands of hours for a picture of 168. */
const HEAT_DAYS = 400

/** Reads the activity over time. Hours are read once, for the series and for the heat map. */
export async function readActivity(
  source: ActivitySource,
  { period, filter = {} }: Pick<ReportRequest, 'period' | 'filter'>,
): Promise<Activity> {
  const { until, timeZone, now } = period
  const since = period.since ?? new Date(0)
  const query = queryOf({ filter }, period)
  const fine = (until ?? now).getTime() - since.getTime() <= HEAT_DAYS * DAY_MS
  const unit = chooseUnit(since, period)
  const grain = fine ? 'hour' : unit
  const before = previousPeriod(period)
  // one after the other: a snapshot is a single connection
  const rows = await source.findUsage({ ...query, by: [grain, 'status'] })
  const keys = await source.findUsage({ ...query, by: ['key'] })
  const keysBefore = before && (await source.findUsage({ ...queryOf({ filter }, before), by: ['key'] }))
  const wholeDays = fine ? await source.countWholeDays({ ...query, since, until: until ?? now }) : 0
  const total = sumUp(rows)
  const totalBefore = keysBefore && sumUp(keysBefore)
  const reported = before && toReportedPrevious(before, await source.findHistoryStart())
  return {
    period: toReportedPeriod(period),
    total: measure(total, totalBefore?.requestCount, !reported?.historyBegins),
    activeKeys: countKeys(keys),
    previous:
      reported && totalBefore
        ? { ...reported, ...measure(totalBefore), activeKeys: countKeys(keysBefore) }
        : null,
    series: { unit, steps: countClasses(rows, grain, findSteps(unit, since, period, total.lastBucket)) },
    statuses: sumUpStatuses(rows),
    heat: fine ? mapHeat(rows, timeZone) : null,
    wholeDayRequests: wholeDays,
  }
}

function countClasses(
  rows: readonly UsageRow[],
  grain: CalendarUnit,
  starts: readonly Date[],
): ActivityStep[] {
  const counts = [1, 2, 3, 4, 5].map((statusClass) => {
    const ofClass = rows.filter(({ status = 0 }) => Math.floor(status / 100) === statusClass)
    const steps = ofClass.map((row) => ({
      start: row[grain]!,
      requestCount: row.requestCount,
      errorCount: 0,
    }))
    return spread(steps, starts, ({ requestCount }) => requestCount)
  })
  return starts.map((start, step) => ({ start, statuses: counts.map((count) => count[step] ?? 0) }))
}

function sumUpStatuses(rows: readonly UsageRow[]): Activity['statuses'] {
  const groups = [...Map.groupBy(rows, ({ status = 0 }) => status)].sort(([a], [b]) => a - b)
  return groups.map(([status, group]) => ({ status, requests: sumUp(group).requestCount }))
}

function mapHeat(rows: readonly UsageRow[], timeZone: string): number[][] {
  const heat = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 0))
  const hours = Map.groupBy(rows, (row) => row.hour!.getTime())
  for (const [time, ofHour] of hours) {
    const { year, month, day, hour } = wallTimeOf(new Date(time), timeZone)
    const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7
    heat[weekday]![hour]! += sumUp(ofHour).requestCount
  }
  return heat
}
