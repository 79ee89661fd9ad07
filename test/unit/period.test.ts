import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatInstant, instantOf, shift, startOf, stepsBetween } from '../../src/time/calendar.ts'
import { noteUnfinished } from '../../src/report/notes/note-unfinished.ts'
import { describePeriod, parsePeriod } from '../../src/time/period.ts'
import { previousPeriod } from '../../src/time/previous-period.ts'
import type { UsageRow } from '../../src/model/usage-row.ts'

const now = new Date('2026-11-23T19:25:30Z')
const borders = (period: { since?: Date | undefined; until?: Date | undefined } | undefined) => [
  period?.since?.toISOString(),
  period?.until?.toISOString(),
]

describe('parsePeriod', () => {
  test.each([
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

  test('reads a month with the borders of its time zone, across a change of summer time', () => {
    const october = parsePeriod({ month: '2026-10', timeZone: 'Europe/Berlin' }, now)
    expect(borders(october)).toEqual(['2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z'])
    expect(describePeriod(october)).toBe('2026-10-01 00:00 to 2026-11-01 00:00 (Europe/Berlin)')
  })

  test.each([
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

  test.each([
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

  test('describes open ends', () => {
    expect(describePeriod(parsePeriod({}, now))).toBe('all time (UTC)')
    expect(describePeriod(parsePeriod({ since: '24h' }, now))).toBe('2026-11-22 19:00 to now (UTC)')
    expect(describePeriod(parsePeriod({ until: '2026-01-01' }, now))).toBe(
      'the beginning to 2026-01-01 00:00 (UTC)',
    )
  })
})

describe('previousPeriod', () => {
  const before = (input: Parameters<typeof parsePeriod>[0], at = now) =>
    borders(previousPeriod(parsePeriod(input, at)))

  test('is the month before for a month that is over', () => {
    expect(before({ month: '2026-03', timeZone: 'Europe/Berlin' })).toEqual([
      '2026-01-31T23:00:00.000Z',
      '2026-02-28T23:00:00.000Z',
    ])
  })

  test.each([{ month: '2026-11' }, { since: '2026-11-01' }, { since: '2026-11-01', until: '2026-12-01' }])(
    'has the same days and hours of the month before for a month to date: %j',
    (input) => {
      expect(before(input)).toEqual(['2026-10-01T00:00:00.000Z', '2026-10-23T19:00:00.000Z'])
      // 19:25:30 in UTC is 20:25:30 in Berlin, before and after the change of clocks
      expect(before({ ...input, timeZone: 'Europe/Berlin' })).toEqual([
        '2026-09-30T22:00:00.000Z',
        '2026-10-23T18:00:00.000Z',
      ])
    },
  )

  test('ends with a shorter month when the day is not in it', () => {
    expect(before({ month: '2026-03' }, new Date('2026-03-31T12:00Z'))).toEqual([
      '2026-02-01T00:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ])
  })

  test.each([
    ['a week to date', { since: '2026-11-16' }, '2026-11-20T08:10Z', '2026-11-09', '2026-11-13T08:00'],
    ['a day to date', { since: '2026-11-20' }, '2026-11-20T08:40Z', '2026-11-19', '2026-11-19T09:00'],
    [
      'the first minutes of a day',
      { since: '2026-11-20' },
      '2026-11-20T00:05Z',
      '2026-11-19',
      '2026-11-19T01:00',
    ],
    ['two months to date', { since: '2026-10-01' }, '2026-11-20T08:00Z', '2026-08-01', '2026-09-20T08:00'],
    [
      'a quarter',
      { since: '2026-07-01', until: '2026-10-01' },
      '2026-11-20T08:00Z',
      '2026-04-01',
      '2026-07-01',
    ],
    ['a year to date', { since: '2026-01-01' }, '2026-11-20T08:00Z', '2025-01-01', '2025-11-20T08:00'],
    [
      'some days',
      { since: '2026-11-11', until: '2026-11-13' },
      '2026-11-20T08:00Z',
      '2026-11-09',
      '2026-11-11',
    ],
    [
      'some hours',
      { since: '2026-11-11T08:00', until: '2026-11-11T12:00' },
      '2026-11-20T08:00Z',
      '2026-11-11T04:00',
      '2026-11-11T08:00',
    ],
  ])('of %s is the same part of the one before', (_, input, at, since, until) => {
    expect(before(input, new Date(at))).toEqual(
      [since, until].map((text) => new Date(`${text.padEnd(11, 'T').padEnd(16, '00:00')}Z`).toISOString()),
    )
  })

  test('has as many local days when the borders are midnights, also across a change of summer time', () => {
    expect(before({ since: '2026-03-30', until: '2026-04-06', timeZone: 'Europe/Berlin' })).toEqual([
      '2026-03-22T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ])
  })

  test('has as many full hours otherwise and never overlaps, whatever the hour is', () => {
    expect(before({ since: '24h' })).toEqual(['2026-11-21T19:00:00.000Z', '2026-11-22T19:00:00.000Z'])
    // at midnight of a Monday 7d is seven days, and no weeks
    expect(before({ since: '7d' }, new Date('2026-11-23T00:20Z'))).toEqual([
      '2026-11-09T00:00:00.000Z',
      '2026-11-16T00:00:00.000Z',
    ])
  })

  test('of a day that begins at 01:00 is the whole day before', () => {
    const input = { since: '2026-04-24', until: '2026-04-25', timeZone: 'Africa/Cairo' }
    const found = previousPeriod(parsePeriod(input, now))!
    expect(found.since.toISOString()).toBe('2026-04-22T22:00:00.000Z')
    expect(found.until.toISOString()).toBe('2026-04-23T22:00:00.000Z')
  })

  test('does not exist for a period without a start, or one that has not begun', () => {
    expect(previousPeriod(parsePeriod({}, now))).toBeUndefined()
    expect(previousPeriod(parsePeriod({ month: '2027-01' }, now))).toBeUndefined()
  })

  test('is never longer than the period, and ends before it, for any date and time', () => {
    const instant = fc.integer({
      min: Date.UTC(2024, 0, 1) / 3_600_000,
      max: Date.UTC(2027, 0, 1) / 3_600_000,
    })
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/New_York', 'Africa/Cairo')
    fc.assert(
      fc.property(
        instant,
        fc.integer({ min: 1, max: 400 * 24 }),
        zone,
        fc.boolean(),
        (hour, length, timeZone, byDay) => {
          const since = formatInstant(new Date(hour * 3_600_000), timeZone, byDay ? 'day' : 'hour')
          const at = new Date((hour + length) * 3_600_000 + 25 * 60_000)
          const period = parsePeriod({ since, timeZone }, at)
          const found = previousPeriod(period)!
          expect(found.since < found.until).toBe(true)
          expect(found.until <= period.since!).toBe(true)
        },
      ),
    )
  })
})

describe('what is not over', () => {
  const rowsAt = (unit: 'month' | 'week' | 'day', start: string) =>
    [{ [unit]: new Date(start) }] as unknown as UsageRow[]

  test.each([
    [{ month: '2026-11' }, 'November is not over: figures to 23 November 19:25.'],
    [{ month: '2026-11', timeZone: 'Asia/Kolkata' }, 'November is not over: figures to 24 November 00:55.'],
    [{ since: '2026-11-16', until: '2026-12-24' }, 'The period is not over: figures to 23 November 19:25.'],
    [{ month: '2027-01' }, 'January 2027 has not begun.'],
  ])('is said of %j', (input, note) => {
    expect(noteUnfinished(parsePeriod(input, now))).toEqual([note])
  })

  test.each([{ month: '2026-10' }, { since: '30d' }, {}])('is not said of %j', (input) => {
    expect(noteUnfinished(parsePeriod(input, now))).toEqual([])
  })

  test('is said of months, weeks and days that the period cuts, if they are shown', () => {
    const period = parsePeriod({ since: '2025-11-10' }, now)
    const november = rowsAt('month', '2026-11-01T00:00Z')
    expect(noteUnfinished(period, ['key', 'month'], november)).toEqual([
      'November is not over: figures to 23 November 19:25.',
    ])
    expect(noteUnfinished(period, ['month'], [...november, ...rowsAt('month', '2025-11-01T00:00Z')])).toEqual(
      [
        'November 2025 is not whole: figures from 10 November 2025 00:00.',
        'November is not over: figures to 23 November 19:25.',
      ],
    )
    expect(noteUnfinished(period, ['month'], rowsAt('month', '2026-10-01T00:00Z'))).toEqual([])
    expect(noteUnfinished(period, ['week'], rowsAt('week', '2026-11-23T00:00Z'))).toEqual([
      'The week from 23 November is not over: figures to 23 November 19:25.',
    ])
    const past = parsePeriod({ since: '2026-10-01', until: '2026-10-10T12:00' }, now)
    expect(noteUnfinished(past, ['day'], rowsAt('day', '2026-10-10T00:00Z'))).toEqual([
      '10 October is not whole: figures to 10 October 12:00.',
    ])
  })
})

describe('the calendar', () => {
  test('starts a day whose midnight does not exist at its first instant', () => {
    const start = instantOf({ year: 2026, month: 3, day: 29, hour: 2, minute: 30 }, 'Europe/Berlin')
    expect(formatInstant(start, 'Europe/Berlin')).toBe('2026-03-29 03:30')
    expect(startOf('day', new Date('2024-04-26T12:00Z'), 'Africa/Cairo').toISOString()).toBe(
      '2024-04-25T22:00:00.000Z',
    )
  })

  test('takes the first of two equal wall times when clocks go back', () => {
    const start = instantOf({ year: 2026, month: 10, day: 25, hour: 2, minute: 30 }, 'Europe/Berlin')
    expect(start.toISOString()).toBe('2026-10-25T00:30:00.000Z')
  })

  test('counts 23 and 25 hours on the days when clocks change', () => {
    const hours = (day: string, next: string) => {
      const period = parsePeriod({ since: day, until: next, timeZone: 'Europe/Berlin' }, now)
      return stepsBetween('hour', period.since!, period.until!, 'Europe/Berlin').length
    }
    expect(hours('2026-03-29', '2026-03-30')).toBe(23)
    expect(hours('2026-10-25', '2026-10-26')).toBe(25)
  })

  test('starts weeks on Monday and hours where the zone has them', () => {
    const sunday = new Date('2026-11-22T23:30:00Z')
    expect(startOf('week', sunday, 'UTC').toISOString()).toBe('2026-11-16T00:00:00.000Z')
    expect(startOf('week', sunday, 'Europe/Berlin').toISOString()).toBe('2026-11-22T23:00:00.000Z')
    expect(startOf('hour', new Date('2026-11-22T10:10Z'), 'Asia/Kolkata').toISOString()).toBe(
      '2026-11-22T09:30:00.000Z',
    )
  })

  test('goes from each unit to the next one, wherever the clocks change', () => {
    // they change at midnight in the first five
    const zones = ['Africa/Cairo', 'America/Havana', 'America/Santiago', 'Asia/Beirut', 'Atlantic/Azores']
    for (const timeZone of [...zones, 'Antarctica/Troll', 'Europe/Berlin', 'UTC']) {
      for (const unit of ['hour', 'day', 'week', 'month'] as const) {
        const steps = stepsBetween(
          unit,
          new Date('2026-01-01T00:00Z'),
          new Date('2027-01-01T00:00Z'),
          timeZone,
        )
        for (const [index, step] of steps.slice(1).entries()) {
          expect(startOf(unit, step, timeZone)).toEqual(step)
          expect(startOf(unit, new Date(step.getTime() - 1), timeZone)).toEqual(steps[index])
        }
      }
    }
  })

  test('shifts months over the end of a year', () => {
    const january = startOf('month', new Date('2026-01-15T00:00Z'), 'UTC')
    expect(shift('month', january, -1, 'UTC').toISOString()).toBe('2025-12-01T00:00:00.000Z')
  })
})
