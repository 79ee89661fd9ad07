import { describe, expect, it } from 'vitest'
import { formatInstant, instantOf, shift, startOf, stepsBetween } from '../../src/calendar.ts'
import { describePeriod, parsePeriod } from '../../src/report/period.ts'
import { previousPeriod } from '../../src/report/previous-period.ts'

const now = new Date('2026-11-23T19:25:30Z')
const borders = (period: { since?: Date; until?: Date } | undefined) => [
  period?.since?.toISOString(),
  period?.until?.toISOString(),
]

describe('parsePeriod', () => {
  it.each([
    ['24h', '2026-11-22T19:00:00.000Z'],
    ['7d', '2026-11-16T19:00:00.000Z'],
    ['4w', '2026-10-26T19:00:00.000Z'],
    ['2026-11-01', '2026-10-31T23:00:00.000Z'],
    ['2026-07-01T14:30', '2026-07-01T12:30:00.000Z'],
    ['2026-07-01 14:30:15', '2026-07-01T12:30:15.000Z'],
    ['2026-07-01T14:30Z', '2026-07-01T14:30:00.000Z'],
    ['2026-07-01T14:30:00-03:00', '2026-07-01T17:30:00.000Z'],
  ])('reads %s as %s in Berlin', (since, expected) => {
    expect(borders(parsePeriod({ since, timeZone: 'Europe/Berlin' }, now))).toEqual([expected, undefined])
  })

  it('reads a month with the borders of its time zone, across a change of summer time', () => {
    const october = parsePeriod({ month: '2026-10', timeZone: 'Europe/Berlin' }, now)
    expect(borders(october)).toEqual(['2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z'])
    expect(describePeriod(october)).toBe('2026-10-01 00:00 to 2026-11-01 00:00 (Europe/Berlin)')
  })

  it.each([
    '7x',
    '',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-11-01T25:00',
    '-7d',
    '2026-11-01T10:00+99:00',
  ])('refuses %j and says what it would understand', (since) => {
    expect(() => parsePeriod({ since }, now)).toThrow(
      `Cannot read "${since}" as a period. Use 24h, 7d, 4w or a date such as 2026-11-01.`,
    )
  })

  it.each([
    [{ month: '2026-13' }, 'Cannot read "2026-13" as a month. Use one such as 2026-10.'],
    [{ month: '2026-10', since: '7d' }, 'Pass either --month or --since and --until, not both.'],
    [
      { since: '24h', until: '7d' },
      'The period is empty: it starts at 2026-11-22 19:00 and ends at 2026-11-16 19:00.',
    ],
    [
      { timeZone: 'Europe/Berln' },
      'Unknown time zone "Europe/Berln". Did you mean Europe/Berlin, Europe/Dublin or Europe/Belfast?',
    ],
    [{ timeZone: '+02:00' }, 'Unknown time zone "+02:00".'],
  ])('refuses %j', (input, message) => {
    expect(() => parsePeriod(input, now)).toThrow(message.split(',')[0])
  })

  it('describes open ends', () => {
    expect(describePeriod(parsePeriod({}, now))).toBe('all time (UTC)')
    expect(describePeriod(parsePeriod({ since: '24h' }, now))).toBe('2026-11-22 19:00 to now (UTC)')
    expect(describePeriod(parsePeriod({ until: '2026-01-01' }, now))).toBe(
      'the beginning to 2026-01-01 00:00 (UTC)',
    )
  })
})

describe('previousPeriod', () => {
  it('is the month before for a month', () => {
    const october = parsePeriod({ month: '2026-03', timeZone: 'Europe/Berlin' }, now)
    expect(borders(previousPeriod(october))).toEqual(['2026-01-31T23:00:00.000Z', '2026-02-28T23:00:00.000Z'])
  })

  it('has as many local days when the borders are midnights, also across a change of summer time', () => {
    const week = parsePeriod({ since: '2026-03-30', until: '2026-04-06', timeZone: 'Europe/Berlin' }, now)
    expect(borders(previousPeriod(week))).toEqual(['2026-03-22T23:00:00.000Z', '2026-03-29T22:00:00.000Z'])
  })

  it('has as many full hours otherwise and never overlaps', () => {
    const day = parsePeriod({ since: '24h' }, now)
    expect(borders(previousPeriod(day))).toEqual(['2026-11-21T19:00:00.000Z', '2026-11-22T19:00:00.000Z'])
  })

  it('does not exist for a period without a start', () => {
    expect(previousPeriod(parsePeriod({}, now))).toBeUndefined()
  })
})

describe('the calendar', () => {
  it('starts a day whose midnight does not exist at its first instant', () => {
    const start = instantOf({ year: 2026, month: 3, day: 29, hour: 2, minute: 30 }, 'Europe/Berlin')
    expect(formatInstant(start, 'Europe/Berlin')).toBe('2026-03-29 03:30')
    expect(startOf('day', new Date('2024-04-26T12:00Z'), 'Africa/Cairo').toISOString()).toBe(
      '2024-04-25T22:00:00.000Z',
    )
  })

  it('takes the first of two equal wall times when clocks go back', () => {
    const start = instantOf({ year: 2026, month: 10, day: 25, hour: 2, minute: 30 }, 'Europe/Berlin')
    expect(start.toISOString()).toBe('2026-10-25T00:30:00.000Z')
  })

  it('counts 23 and 25 hours on the days when clocks change', () => {
    const hours = (day: string, next: string) => {
      const period = parsePeriod({ since: day, until: next, timeZone: 'Europe/Berlin' }, now)
      return stepsBetween('hour', period.since!, period.until!, 'Europe/Berlin').length
    }
    expect(hours('2026-03-29', '2026-03-30')).toBe(23)
    expect(hours('2026-10-25', '2026-10-26')).toBe(25)
  })

  it('starts weeks on Monday and hours where the zone has them', () => {
    const sunday = new Date('2026-11-22T23:30:00Z')
    expect(startOf('week', sunday, 'UTC').toISOString()).toBe('2026-11-16T00:00:00.000Z')
    expect(startOf('week', sunday, 'Europe/Berlin').toISOString()).toBe('2026-11-22T23:00:00.000Z')
    expect(startOf('hour', new Date('2026-11-22T10:10Z'), 'Asia/Kolkata').toISOString()).toBe(
      '2026-11-22T09:30:00.000Z',
    )
  })

  it('shifts months over the end of a year', () => {
    const january = startOf('month', new Date('2026-01-15T00:00Z'), 'UTC')
    expect(shift('month', january, -1, 'UTC').toISOString()).toBe('2025-12-01T00:00:00.000Z')
  })
})
