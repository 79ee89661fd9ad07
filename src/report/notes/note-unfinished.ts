import { isCalendarUnit, shift, startOf } from '../../time/calendar.ts'
import type { CalendarUnit } from '../../time/calendar.ts'
import type { UsageDimension } from '../../model/usage-query.ts'
import type { UsageRow } from '../../model/usage-row.ts'
import { formatMoment, nameOfUnit } from '../../time/format-date.ts'
import { figuresTo } from '../../time/period.ts'
import type { Period } from '../../time/period.ts'

/** Notes what is not final although it looks so: a period that is not over, and groups of time that the period cuts. */
export function noteUnfinished(
  period: Period,
  by: readonly UsageDimension[] = [],
  rows: readonly UsageRow[] = [],
): string[] {
  const { since, until, now } = period
  if (since && since > now) return [`${capitalise(nameOfPeriod(period))} has not begun.`]
  if (until && until > now) return [sentence(nameOfPeriod(period), 'is not over: figures to', now, period)]
  return by.filter(isCalendarUnit).flatMap((unit) => noteCutUnits(period, unit, rows))
}

function nameOfPeriod({ since, month, timeZone, now }: Period): string {
  return month !== undefined && since ? nameOfUnit('month', since, timeZone, now) : 'The period'
}

/** No note for hours: a partial hour surprises nobody. */
function noteCutUnits(period: Period, unit: CalendarUnit, rows: readonly UsageRow[]): string[] {
  if (unit === 'hour') return []
  const { since, timeZone, now } = period
  const end = figuresTo(period)
  const isShown = (start: Date) => rows.some((row) => row[unit]?.getTime() === start.getTime())
  const nameOf = (start: Date) => nameOfUnit(unit, start, timeZone, now)
  const first = since && startOf(unit, since, timeZone)
  const last = startOf(unit, new Date(end.getTime() - 1), timeZone)
  const isFirstCut = first && since > first && isShown(first)
  const isLastCut = shift(unit, last, 1, timeZone) > end && isShown(last)
  const over = end === now ? 'is not over' : 'is not whole'
  return [
    ...(isFirstCut ? [sentence(nameOf(first), 'is not whole: figures from', since, period)] : []),
    ...(isLastCut ? [sentence(nameOf(last), `${over}: figures to`, end, period)] : []),
  ]
}

function sentence(name: string, what: string, instant: Date, { timeZone, now }: Period): string {
  return `${capitalise(name)} ${what} ${formatMoment(instant, timeZone, now)}.`
}

function capitalise(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
