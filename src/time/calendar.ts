import { DAY_MS, HOUR_MS } from './units.ts'
/** Calendar arithmetic in IANA time zones; weeks begin on Monday. */

export type CalendarUnit = 'hour' | DateUnit
export type DateUnit = 'day' | 'week' | 'month'

/** Whether a word, such as a dimension, is a unit of the calendar. */
export function isCalendarUnit(word: string): word is CalendarUnit {
  return word === 'hour' || word === 'day' || word === 'week' || word === 'month'
}

/** The wall-clock time; `month` and `day` count from 1 and may overflow, as in `Date.UTC`. */
export interface WallTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour?: number
  readonly minute?: number
  readonly second?: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** The wall time of an instant in a time zone. */
export function wallTimeOf(instant: Date, timeZone: string): Required<WallTime> {
  const wall = new Date(instant.getTime() + offsetMs(instant.getTime(), timeZone))
  return {
    year: wall.getUTCFullYear(),
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    hour: wall.getUTCHours(),
    minute: wall.getUTCMinutes(),
    second: wall.getUTCSeconds(),
  }
}

/** The instant of a wall time: the first of two when clocks go back, the end of the gap when they go forward. */
export function instantOf(wall: WallTime, timeZone: string): Date {
  const { year, month, day, hour = 0, minute = 0, second = 0 } = wall
  const utc = Date.UTC(year, month - 1, day, hour, minute, second)
  const before = offsetMs(utc - DAY_MS, timeZone)
  const after = offsetMs(utc + DAY_MS, timeZone)
  const exists = [utc - before, utc - after].filter(
    (instant) => instant + offsetMs(instant, timeZone) === utc,
  )
  return new Date(exists.length > 0 ? Math.min(...exists) : utc - before)
}

/** The start of the hour, day, week or month that holds an instant. */
export function startOf(unit: CalendarUnit, instant: Date, timeZone: string): Date {
  const time = instant.getTime()
  if (unit === 'hour') return new Date(time - ((time + offsetMs(time, timeZone)) % HOUR_MS))
  return instantOf(firstDayOf(unit, wallTimeOf(instant, timeZone)), timeZone)
}

/** The start of the unit `count` units after the one that starts at `start`; negative counts go back. */
export function shift(unit: CalendarUnit, start: Date, count: number, timeZone: string): Date {
  // the clock may have moved by half an hour
  if (unit === 'hour') return startOf('hour', new Date(start.getTime() + count * HOUR_MS), timeZone)
  // without its hour: where clocks go forward at midnight a day begins at 01:00, but not the next one
  const { year, month, day } = wallTimeOf(start, timeZone)
  return instantOf(moveDate(unit, { year, month, day }, count), timeZone)
}

/** The same time of day `count` days, weeks or months later; negative counts go back. */
export function shiftTime(unit: DateUnit, instant: Date, count: number, timeZone: string): Date {
  return instantOf(moveDate(unit, wallTimeOf(instant, timeZone), count), timeZone)
}

function moveDate(unit: DateUnit, wall: WallTime, count: number): WallTime {
  if (unit === 'month') return { ...wall, month: wall.month + count }
  return { ...wall, day: wall.day + count * (unit === 'week' ? 7 : 1) }
}

/** The starts of all units that overlap the time from `since` (inclusive) to `until` (exclusive). */
export function stepsBetween(unit: CalendarUnit, since: Date, until: Date, timeZone: string): Date[] {
  const steps: Date[] = []
  for (let step = startOf(unit, since, timeZone); step < until; step = shift(unit, step, 1, timeZone)) {
    steps.push(step)
  }
  return steps
}

/** An instant as `2026-10-01 14:00` in a time zone, cut to the precision of a unit. */
export function formatInstant(instant: Date, timeZone: string, unit: CalendarUnit = 'hour'): string {
  const wall = new Date(instant.getTime() + offsetMs(instant.getTime(), timeZone)).toISOString()
  if (unit === 'month') return wall.slice(0, 7)
  return unit === 'hour' ? wall.slice(0, 16).replace('T', ' ') : wall.slice(0, 10)
}

/** How far the wall clock is ahead of UTC, as `+01:00`. */
export function formatOffset(instant: Date, timeZone: string): string {
  const offset = offsetMs(instant.getTime(), timeZone)
  return `${offset < 0 ? '-' : '+'}${new Date(Math.abs(offset)).toISOString().slice(11, 16)}`
}

function firstDayOf(unit: DateUnit, { year, month, day }: WallTime): WallTime {
  if (unit === 'month') return { year, month, day: 1 }
  const daysSinceMonday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7
  return { year, month, day: unit === 'week' ? day - daysSinceMonday : day }
}

/** How far the wall clock of a time zone is ahead of UTC. */
export function offsetMs(time: number, timeZone: string): number {
  // Most reports are in UTC, and Intl takes microseconds per call.
  if (timeZone === 'UTC') return 0
  const wholeSecond = Math.floor(time / 1000) * 1000
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(timeZone).formatToParts(wholeSecond)) parts[type] = Number(value)
  const { year = 0, month = 1, day, hour, minute, second } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeSecond
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (!format) {
    const numeric = 'numeric'
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    })
    formats.set(timeZone, format)
  }
  return format
}
