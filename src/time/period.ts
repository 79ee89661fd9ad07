import { AnalyticsError } from '../model/errors.ts'
import { formatInstant, instantOf, startOf } from './calendar.ts'
import type { DateUnit } from './calendar.ts'
import { didYouMean, suggest } from '../model/suggest.ts'
import { HOUR_MS } from './units.ts'

/** The time of a report: `since` inclusive, `until` exclusive; a missing one means open. */
export interface Period {
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  readonly timeZone: string
  /** `2026-10` when the period was given as that month. */
  readonly month?: string | undefined
  /** The unit of a period of dates: the largest calendar unit on whose borders it begins and ends. */
  readonly unit?: DateUnit | undefined
  /** When the period was parsed. It replaces an open end in comparisons and charts. */
  readonly now: Date
}

/** A period as people write it. */
export interface PeriodInput {
  /** `24h`, `7d`, `4w` before now (from the full hour), or a date or time such as `2026-11-01T14:00`. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** `2026-10`, instead of `since` and `until`. */
  readonly month?: string | undefined
  /** IANA name in which dates without an offset are read. Default `UTC`. */
  readonly timeZone?: string | undefined
}

const UNIT_HOURS = { h: 1, d: 24, w: 168 }
const RELATIVE = /^(\d{1,5})([hdw])$/
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?)?$/

/** Parses a period. @throws WRONG_USAGE with the accepted forms */
export function parsePeriod(input: PeriodInput, now = new Date()): Period {
  const timeZone = parseTimeZone(input.timeZone ?? 'UTC')
  if (input.month !== undefined) {
    if (input.since !== undefined || input.until !== undefined) {
      throw new AnalyticsError('WRONG_USAGE', 'Pass either --month or --since and --until, not both.')
    }
    return { ...parseMonth(input.month, timeZone), timeZone, month: input.month, unit: 'month', now }
  }
  const since = input.since === undefined ? undefined : parseInstant(input.since, timeZone, now)
  const until = input.until === undefined ? undefined : parseInstant(input.until, timeZone, now)
  if (since && until && since >= until) {
    const [from, to] = [formatInstant(since, timeZone), formatInstant(until, timeZone)]
    throw new AnalyticsError('WRONG_USAGE', `The period is empty: it starts at ${from} and ends at ${to}.`)
  }
  // 7d is a length: it would match calendar borders only by chance
  const unit = since && !RELATIVE.test(input.since ?? '') ? findUnit([since, until], timeZone) : undefined
  return { since, until, timeZone, unit, now }
}

/** The largest unit of the calendar that all borders fall on. */
function findUnit(borders: readonly (Date | undefined)[], timeZone: string): DateUnit | undefined {
  const units = ['month', 'week', 'day'] as const
  return units.find((unit) =>
    borders.every((border) => !border || startOf(unit, border, timeZone).getTime() === border.getTime()),
  )
}

/** Parses an age, `90d` or `4w`: the full hour that long ago. @throws WRONG_USAGE */
export function parseAge(age: string, now: Date): Date {
  if (RELATIVE.test(age)) return parseInstant(age, 'UTC', now)
  throw new AnalyticsError('WRONG_USAGE', `Cannot read "${age}" as an age. Use one such as 90d or 4w.`)
}

/** Parses `7d` (before now, from the full hour) or a date or time in a time zone. @throws WRONG_USAGE */
export function parseInstant(text: string, timeZone: string, now: Date): Date {
  const relative = RELATIVE.exec(text)
  if (relative) {
    const hours = Number(relative[1]) * UNIT_HOURS[relative[2] as keyof typeof UNIT_HOURS]
    return new Date(Math.floor(now.getTime() / HOUR_MS - hours) * HOUR_MS)
  }
  const date = DATE.exec(text)
  const instant = date && readDate(date, timeZone)
  if (instant) return instant
  throw new AnalyticsError(
    'WRONG_USAGE',
    `Cannot read "${text}" as a period. Use 24h, 7d, 4w or a date such as 2026-11-01.`,
  )
}

/** Checks an IANA time zone. @throws WRONG_USAGE */
export function parseTimeZone(timeZone: string): string {
  // Intl would accept an offset such as +02:00, but PostgreSQL reads its sign the other way round.
  if (/^[A-Za-z]/.test(timeZone)) {
    try {
      Intl.DateTimeFormat('en-US', { timeZone })
      return timeZone
    } catch {
      // Intl throws for unknown names; the error below explains the fix.
    }
  }
  const near = didYouMean(suggest(timeZone, ['UTC', ...Intl.supportedValuesOf('timeZone')]))
  throw new AnalyticsError(
    'WRONG_USAGE',
    `Unknown time zone "${timeZone}".${near} Use an IANA name such as Europe/Berlin.`,
  )
}

/** The parsed period: `2026-10-01 00:00 to 2026-11-01 00:00 (Europe/Berlin)`. */
export function describePeriod({ since, until, timeZone }: Period): string {
  if (!since && !until) return `all time (${timeZone})`
  const from = since ? formatInstant(since, timeZone) : 'the beginning'
  const to = until ? formatInstant(until, timeZone) : 'now'
  return `${from} to ${to} (${timeZone})`
}

/** The end of the time that can have counts: the end of the period, or now. */
export function figuresTo({ until, now }: Pick<Period, 'until' | 'now'>): Date {
  return until && until < now ? until : now
}

/** Whether a period is over. Its figures are then final once everything is delivered. */
export function isComplete({ until, now }: Pick<Period, 'until' | 'now'>): boolean {
  return until !== undefined && until <= now
}

function parseMonth(month: string, timeZone: string): { since: Date; until: Date } {
  const [, year, number] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month) ?? []
  if (!year) {
    throw new AnalyticsError('WRONG_USAGE', `Cannot read "${month}" as a month. Use one such as 2026-10.`)
  }
  const first = { year: Number(year), month: Number(number), day: 1 }
  return {
    since: instantOf(first, timeZone),
    until: instantOf({ ...first, month: first.month + 1 }, timeZone),
  }
}

function readDate(match: RegExpExecArray, timeZone: string): Date | undefined {
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  const exists =
    utc.getUTCMonth() === month - 1 && utc.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  if (!exists) return undefined
  const offset = match[7]
  if (offset === undefined) return instantOf({ year, month, day, hour, minute, second }, timeZone)
  const instant = new Date(`${utc.toISOString().slice(0, 19)}${offset}`)
  return Number.isNaN(instant.getTime()) ? undefined : instant
}
