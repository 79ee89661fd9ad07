import { AnalyticsError } from '../model/errors.ts'
import type { StatementPeriod } from '../model/statement.ts'
import { formatInstant, instantOf, shift, startOf, wallTimeOf } from '../time/calendar.ts'
import type { WallTime } from '../time/calendar.ts'
import { parseTimeZone } from '../time/period.ts'

/** A period to close: one of `month`, `week` and `day`, as people write them. */
export interface BillingPeriodInput {
  /** `2026-10` */
  readonly month?: string | undefined
  /** `2026-W40`: ISO 8601, from Monday. */
  readonly week?: string | undefined
  /** `2026-10-05` */
  readonly day?: string | undefined
  /** IANA name. Default `UTC`. */
  readonly timeZone?: string | undefined
}

/** A period of the calendar in a time zone. */
export interface BillingPeriod {
  readonly label: string
  readonly unit: StatementPeriod['unit']
  readonly since: Date
  readonly until: Date
  readonly timeZone: string
}

/** Parses the period to close. @throws WRONG_USAGE */
export function parseBillingPeriod({
  month,
  week,
  day,
  timeZone = 'UTC',
}: BillingPeriodInput): BillingPeriod {
  const given = Object.entries({ month, week, day }).filter(([, text]) => text !== undefined)
  const [[unit, label] = [], ...others] = given as [StatementPeriod['unit'], string][]
  if (unit === undefined || label === undefined || others.length > 0) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      'Pass one period: a month (2026-10), a week (2026-W40) or a day (2026-10-05).',
    )
  }
  return periodFrom(unit, FIRST_DAY[unit](label), parseTimeZone(timeZone))
}

/** The period of a unit that contains an instant. */
export function periodAround(instant: Date, unit: StatementPeriod['unit'], timeZone: string): BillingPeriod {
  return periodFrom(unit, wallTimeOf(startOf(unit, instant, timeZone), timeZone), timeZone)
}

/** A period as statements print it. */
export function toStatementPeriod({ label, unit, since, until, timeZone }: BillingPeriod): StatementPeriod {
  return { label, unit, since: since.toISOString(), until: until.toISOString(), timeZone }
}

const FIRST_DAY: Record<StatementPeriod['unit'], (label: string) => WallTime> = {
  month(label) {
    const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(label) ?? []
    if (!year) throw unreadable(label, 'a month', '2026-10')
    return { year: Number(year), month: Number(month), day: 1 }
  },
  week(label) {
    const [, year, week] = /^(\d{4})-W(0[1-9]|[1-4]\d|5[0-3])$/.exec(label) ?? []
    const monday = year === undefined ? undefined : mondayOf(Number(year), Number(week))
    if (!monday || labelOfWeek(monday) !== label) throw unreadable(label, 'a week', '2026-W40')
    return monday
  },
  day(label) {
    const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(label) ?? []
    const wall = { year: Number(year), month: Number(month), day: Number(day) }
    if (!year || utcOf(wall).toISOString().slice(0, 10) !== label)
      throw unreadable(label, 'a day', '2026-10-05')
    return wall
  },
}

function periodFrom(unit: StatementPeriod['unit'], first: WallTime, timeZone: string): BillingPeriod {
  const since = instantOf({ year: first.year, month: first.month, day: first.day }, timeZone)
  const label = unit === 'week' ? labelOfWeek(first) : formatInstant(since, timeZone, unit)
  return { label, unit, since, until: shift(unit, since, 1, timeZone), timeZone }
}

/** The first week of a year is the one with 4 January. */
function mondayOf(year: number, week: number): WallTime {
  const fourth = utcOf({ year, month: 1, day: 4 })
  const day = 4 - ((fourth.getUTCDay() + 6) % 7) + (week - 1) * 7
  const monday = utcOf({ year, month: 1, day })
  return { year: monday.getUTCFullYear(), month: monday.getUTCMonth() + 1, day: monday.getUTCDate() }
}

function labelOfWeek(monday: WallTime): string {
  // the year of a week is the year of its Thursday
  const thursday = utcOf({ ...monday, day: monday.day + 3 })
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * 86_400_000)) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

function utcOf({ year, month, day }: WallTime): Date {
  return new Date(Date.UTC(year, month - 1, day))
}

function unreadable(label: string, what: string, example: string): AnalyticsError {
  return new AnalyticsError('WRONG_USAGE', `Cannot read "${label}" as ${what}. Use one such as ${example}.`)
}
