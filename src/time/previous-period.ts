import { shift, shiftTime, stepsBetween, wallTimeOf } from './calendar.ts'
import { figuresTo } from './period.ts'
import type { Period } from './period.ts'
import { HOUR_MS } from './units.ts'

/** A period with a start and an end. */
export type BoundedPeriod = Period & { readonly since: Date; readonly until: Date }

/**
 * The period that a period is compared with. For a period of the calendar: the same number of months, weeks or days
 * before it, cut to the part that has passed. So a month to date is compared with the same days and hours of the month
 * before, and a year to date with those of the year before.
 * For any other period: the same number of hours before it. Undefined for a period without a start, and for one that
 * has not begun.
 */
export function previousPeriod(period: Period): BoundedPeriod | undefined {
  const { since, unit, timeZone, now } = period
  const end = figuresTo(period)
  if (!since || since >= end) return undefined
  const before = unit
    ? calendarBefore(unit, since, end, end === period.until, timeZone)
    : { since: new Date(since.getTime() - hoursBetween(since, end) * HOUR_MS), until: since }
  return { ...before, timeZone, now }
}

function calendarBefore(
  unit: NonNullable<Period['unit']>,
  since: Date,
  end: Date,
  isOver: boolean,
  timeZone: string,
): { since: Date; until: Date } {
  const steps = stepsBetween(unit, since, end, timeZone).length
  const isYearToDate = !isOver && unit === 'month' && steps > 1 && wallTimeOf(since, timeZone).month === 1
  const count = isYearToDate ? Math.ceil(steps / 12) * 12 : steps
  const start = shift(unit, since, -count, timeZone)
  if (isOver) return { since: start, until: since }
  const sameTime = shiftTime(unit, toFullHour(since, end), -count, timeZone)
  // The 31st is compared with the end of a shorter month, and the first minutes of a period with a whole hour.
  const until = Math.max(start.getTime() + HOUR_MS, Math.min(sameTime.getTime(), since.getTime()))
  return { since: start, until: new Date(until) }
}

/** Counts are stored by the hour, so a border within an hour would give all of it to one side. */
function toFullHour(since: Date, end: Date): Date {
  return new Date(since.getTime() + hoursBetween(since, end) * HOUR_MS)
}

function hoursBetween(since: Date, end: Date): number {
  return Math.max(1, Math.round((end.getTime() - since.getTime()) / HOUR_MS))
}
