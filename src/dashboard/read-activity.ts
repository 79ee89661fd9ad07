import { wallTimeOf } from '../time/calendar.ts'
import type { CalendarUnit } from '../time/calendar.ts'
import { addAmounts, amountOfRow, zeroOf } from '../report/usage/amount.ts'
import type { Amount } from '../report/usage/amount.ts'
import { queryOf } from '../report/usage/build-report.ts'
import type { ReportRequest, UsageSource } from '../report/usage/build-report.ts'
import { chooseUnit, findSteps, spread } from '../report/usage/build-series.ts'
import { countKeys, measureUsage, sumUp } from '../report/usage/measure-usage.ts'
import { previousPeriod } from '../time/previous-period.ts'
import { toReportedPeriod, toReportedPrevious } from '../report/usage/reported-period.ts'
import type { Measures, ReportedPrevious, UsageReport } from '../report/usage/usage-report.ts'
import type { UsageFilter, UsageQuery } from '../model/usage-query.ts'
import type { UsageRow } from '../model/usage-row.ts'
import { DAY_MS } from '../time/units.ts'

/** What one step has by status class: 1xx, 2xx, 3xx, 4xx, 5xx. */
export interface ActivityStep {
  readonly start: Date
  readonly statuses: readonly Amount[]
}

/** Activity over time: the data of `api/activity`. Amounts are requests, or the quantity of its unit. */
export interface Activity {
  readonly unit?: string
  readonly period: UsageReport['period']
  readonly total: Measures
  /** Without `(other)` and `(rejected)`. */
  readonly activeKeys: number
  /** The previous period, and its counts. */
  readonly previous: (ReportedPrevious & Measures & { readonly activeKeys: number }) | null
  readonly series: { readonly unit: CalendarUnit; readonly steps: readonly ActivityStep[] }
  /** Amounts by status, in the order of statuses. */
  readonly statuses: readonly { readonly status: number; readonly amount: Amount }[]
  /** Amounts per weekday (from Monday) and hour of the day in the time zone; null for a period of over 400 days. */
  readonly heat: readonly (readonly Amount[])[] | null
  /** What is in day rows: `heat` has it at the hour in which their day begins. */
  readonly wholeDayAmount: Amount
}

/** The origin of the numbers. */
export interface ActivitySource extends Pick<UsageSource, 'findUsage' | 'findHistoryStart'> {
  /** What is in rows of whole UTC days. */
  countWholeDays(
    filter: UsageFilter & Pick<UsageQuery, 'unit'> & { readonly since: Date; readonly until: Date },
  ): Promise<Amount>
}

/** A longer period would read tens of thousands of hours for a picture of 168. */
const HEAT_DAYS = 400

/** Reads the activity over time. Hours are read once, for the series and for the heat map. */
export async function readActivity(
  source: ActivitySource,
  { period, filter = {}, unit: counted }: Pick<ReportRequest, 'period' | 'filter' | 'unit'>,
): Promise<Activity> {
  const { until, timeZone, now } = period
  const since = period.since ?? new Date(0)
  const request = { filter, unit: counted }
  const query = queryOf(request, period)
  const fine = (until ?? now).getTime() - since.getTime() <= HEAT_DAYS * DAY_MS
  const unit = chooseUnit(since, period)
  const grain = fine ? 'hour' : unit
  const before = previousPeriod(period)
  // one after the other: a snapshot is a single connection
  const rows = await source.findUsage({ ...query, by: [grain, 'status'] })
  const keys = await source.findUsage({ ...query, by: ['key'] })
  const keysBefore = before && (await source.findUsage({ ...queryOf(request, before), by: ['key'] }))
  const wholeDays = fine ? await source.countWholeDays({ ...query, since, until: until ?? now }) : 0
  const total = sumUp(rows, counted)
  const totalBefore = keysBefore && sumUp(keysBefore, counted)
  const reported = before && toReportedPrevious(before, await source.findHistoryStart(counted))
  return {
    ...(counted !== undefined && { unit: counted }),
    period: toReportedPeriod(period),
    total: measureUsage(total, totalBefore, !reported?.historyBegins),
    activeKeys: countKeys(keys),
    previous:
      reported && totalBefore
        ? { ...reported, ...measureUsage(totalBefore), activeKeys: countKeys(keysBefore) }
        : null,
    series: {
      unit,
      steps: countClasses(rows, grain, findSteps(unit, since, period, total.lastBucket), counted),
    },
    statuses: sumUpStatuses(rows, counted),
    heat: fine ? mapHeat(rows, timeZone, counted) : null,
    wholeDayAmount: wholeDays,
  }
}

function countClasses(
  rows: readonly UsageRow[],
  grain: CalendarUnit,
  starts: readonly Date[],
  counted: string | undefined,
): ActivityStep[] {
  const counts = [1, 2, 3, 4, 5].map((statusClass) => {
    const ofClass = rows.filter(({ status = 0 }) => Math.floor(status / 100) === statusClass)
    const steps = ofClass.map((row) => Object.assign({ start: row[grain]!, errorCount: 0 }, row))
    return spread(steps, starts, zeroOf(counted), amountOfRow)
  })
  return starts.map((start, step) => ({ start, statuses: counts.map((count) => count[step]!) }))
}

function sumUpStatuses(rows: readonly UsageRow[], counted: string | undefined): Activity['statuses'] {
  const groups = [...Map.groupBy(rows, ({ status = 0 }) => status)].sort(([a], [b]) => a - b)
  return groups.map(([status, group]) => ({ status, amount: amountOfRow(sumUp(group, counted)) }))
}

function mapHeat(rows: readonly UsageRow[], timeZone: string, counted: string | undefined): Amount[][] {
  const heat = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => zeroOf(counted)))
  const hours = Map.groupBy(rows, (row) => row.hour!.getTime())
  for (const [time, ofHour] of hours) {
    const { year, month, day, hour } = wallTimeOf(new Date(time), timeZone)
    const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7
    const ofDay = heat[weekday]!
    ofDay[hour] = addAmounts(ofDay[hour]!, amountOfRow(sumUp(ofHour, counted)))
  }
  return heat
}
