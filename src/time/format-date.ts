import { formatInstant } from './calendar.ts'
import type { CalendarUnit } from './calendar.ts'

const PARTS = {
  month: { month: 'long', year: 'numeric' },
  day: { day: 'numeric', month: 'long', year: 'numeric' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>

/** `26 November 2026` */
export function formatDay(instant: Date, timeZone: string): string {
  return format(instant, timeZone, PARTS.day)
}

/** `26 November 14:05`, with the year when it is not the one of `now`. */
export function formatMoment(instant: Date, timeZone: string, now: Date): string {
  return `${withoutYear(formatDay(instant, timeZone), timeZone, now)} ${timeOf(instant, timeZone)}`
}

/** A calendar unit by its start: `November`, `the week from 23 November`, `26 November`. */
export function nameOfUnit(unit: CalendarUnit, start: Date, timeZone: string, now: Date): string {
  if (unit === 'hour') return formatMoment(start, timeZone, now)
  const name = withoutYear(format(start, timeZone, PARTS[unit === 'month' ? 'month' : 'day']), timeZone, now)
  return unit === 'week' ? `the week from ${name}` : name
}

function timeOf(instant: Date, timeZone: string): string {
  return formatInstant(instant, timeZone).slice(-5)
}

function withoutYear(text: string, timeZone: string, now: Date): string {
  const year = formatInstant(now, timeZone).slice(0, 4)
  return text.endsWith(` ${year}`) ? text.slice(0, -5) : text
}

function format(instant: Date, timeZone: string, parts: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, ...parts }).format(instant)
}
