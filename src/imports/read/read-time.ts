import type { BucketMinutes } from '../../model/batch.ts'
import { instantOf, wallTimeOf } from '../../time/calendar.ts'
import { MINUTE_MS } from '../../time/units.ts'
import { refuseLine, maskValue } from './refuse-line.ts'

/** How wide the buckets of a file are. */
export type BucketName = 'minute' | 'hour' | 'day'

export const BUCKET_MINUTES: Readonly<Record<BucketName, BucketMinutes>> = { minute: 1, hour: 60, day: 1440 }

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?)?$/i
/** Seconds or milliseconds since 1970, of times from 2001 on. */
const EPOCH = /^(\d{10})(\d{3})?(?:\.\d+)?$/

/**
 * The start of the UTC bucket of a time: `2026-10-01`, `2026-10-01 14:00`, the same with an offset, or seconds or
 * milliseconds since 1970. What lies across two UTC buckets cannot be stored exactly and is refused: a day that begins
 * at another time than midnight in UTC, or an hour in a time zone with half an hour.
 * @throws WRONG_USAGE
 */
export function readBucket(
  value: unknown,
  { bucket, timeZone }: { readonly bucket: BucketName; readonly timeZone: string },
  line: number,
): number {
  const { instant, isDate, wall } = readInstant(value, timeZone, line)
  const length = BUCKET_MINUTES[bucket] * MINUTE_MS
  const start = instant - (instant % length)
  if (bucket === 'day' && start !== instant) {
    throw refuseLine(
      line,
      wall.hour === 0 && wall.minute === 0 && wall.second === 0
        ? `the day ${maskValue(value)} begins at ${new Date(instant).toISOString()}, in the middle of a UTC day, so it cannot be stored as a day. Import hours, or leave --tz out if the days of the file are UTC days.`
        : `the time ${maskValue(value)} is not the start of a UTC day. Use --bucket hour.`,
    )
  }
  if (bucket !== 'day' && isDate) {
    throw refuseLine(line, `the time ${maskValue(value)} is a day. Use --bucket day.`)
  }
  if (bucket === 'hour' && start !== instant && wall.minute === 0 && wall.second === 0) {
    throw refuseLine(
      line,
      `the hour ${maskValue(value)} begins at ${new Date(instant).toISOString()}, in the middle of a UTC hour, so it cannot be stored as an hour. If the times are those of single requests, use --bucket minute.`,
    )
  }
  return start
}

interface ReadTime {
  readonly instant: number
  /** A day without a time. */
  readonly isDate: boolean
  /** As it is written in the file. */
  readonly wall: { readonly hour: number; readonly minute: number; readonly second: number }
}

function readInstant(value: unknown, timeZone: string, line: number): ReadTime {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
  const epoch = EPOCH.exec(text)
  if (epoch) {
    const instant = Number(epoch[1]) * 1000 + Number(epoch[2] ?? 0)
    return { instant, isDate: false, wall: wallTimeOf(new Date(instant), timeZone) }
  }
  const parts = TIME.exec(text)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (parts ?? [])
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  const utc = Date.UTC(year, month - 1, day, hour, minute, second)
  const exists =
    new Date(utc).toISOString().slice(0, 10) === text.slice(0, 10) && hour < 24 && minute < 60 && second < 60
  if (!parts || !exists) {
    throw refuseLine(
      line,
      `cannot read ${text === '' ? 'an empty cell' : maskValue(value)} as a time. Use 2026-10-01, 2026-10-01T14:00:00Z, or seconds or milliseconds since 1970.`,
    )
  }
  const wall = { hour, minute, second }
  const [isDate, offset] = [parts[4] === undefined, parts[7]]
  if (offset !== undefined) return { instant: utc - readOffset(offset), isDate, wall }
  const instant = instantOf({ year, month, day, ...wall }, timeZone).getTime()
  if (!isDate && wallTimeOf(new Date(instant), timeZone).hour !== hour) {
    throw refuseLine(
      line,
      `the time ${maskValue(value)} does not exist in ${timeZone}: clocks were put forward.`,
    )
  }
  return { instant, isDate, wall }
}

function readOffset(offset: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(offset) ?? []
  if (sign === undefined) return 0
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS
}
