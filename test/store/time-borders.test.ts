import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findStraddlingRows } from '../../src/store/read/find-straddling-rows.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import type { UsageDimension } from '../../src/model/usage-query.ts'
import { fillKeys, fillUsage } from '../support/usage/fill-usage.ts'
import type { RowToFill } from '../support/usage/fill-usage.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { searchRuns } from '../support/search-runs.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.UTC(2026, 9, 1)

/** Around both changes of Berlin and St John's, and the day that Apia left out. */
const MOMENTS = [Date.UTC(2026, 2, 28), Date.UTC(2026, 9, 24), Date.UTC(2026, 10, 1), Date.UTC(2011, 11, 29)]
const ZONES = [
  'UTC',
  'America/St_Johns',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Pacific/Apia',
  'Australia/Lord_Howe',
]
const UNITS = ['hour', 'day', 'week', 'month'] as const

/** What the wall shows, as text: the plainest way to group by time. */
function wallOf(time: number, timeZone: string): { date: Date; minute: string; offset: string } {
  const text = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(
    time,
  )
  const offset = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).format(time)
  return { date: new Date(`${text.slice(0, 10)}T00:00Z`), minute: text.slice(11), offset: offset.slice(-9) }
}

function groupOf(unit: UsageDimension, time: number, timeZone: string): string {
  const { date, minute, offset } = wallOf(time, timeZone)
  const day = date.toISOString().slice(0, 10)
  if (unit === 'hour') return `${day} ${minute.slice(0, 2)} ${offset}`
  if (unit === 'day') return day
  if (unit === 'month') return day.slice(0, 7)
  return new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * DAY).toISOString().slice(0, 10)
}

forEachDatabase('borders of time', (_kind, makeUrl) => {
  let db: Database
  beforeAll(async () => {
    db = await openDatabase(await makeUrl())
    await fillKeys(db, [{ key: 1 }])
  })
  afterAll(() => db.close())

  const cases = ZONES.flatMap((zone) => UNITS.map((unit) => [unit, zone] as const))

  describe.each(cases)('by %s in %s', (unit, timeZone) => {
    test('puts every row where the wall clock puts it, and finds every row that a border cuts', async () => {
      const row = fc.record({
        moment: fc.constantFrom(...MOMENTS),
        minute: fc.integer({ min: 0, max: 6 * 1440 }),
        minutes: fc.constantFrom(1, 60, 1440),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), async (picked) => {
          const rows = new Map<string, RowToFill>()
          for (const { moment, minute, minutes } of picked) {
            const bucket = moment + Math.floor(minute / minutes) * minutes * 60_000
            rows.set(`${bucket} ${minutes}`, { key: 1, bucket, minutes })
          }
          await db.query('delete from api_key_analytics')
          await fillUsage(db, [...rows.values()])
          const wanted = new Map<string, number>()
          let cut = 0
          for (const { bucket, minutes = 60 } of rows.values()) {
            const group = groupOf(unit, bucket, timeZone)
            wanted.set(group, (wanted.get(group) ?? 0) + 1)
            if (groupOf(unit, bucket + minutes * 60_000 - 1, timeZone) !== group) cut++
          }
          const found = await findUsage(db, { by: [unit], timeZone })
          const starts = found.map((row) => row[unit]!.getTime())
          expect(starts).toEqual(starts.toSorted((a, b) => a - b))
          const groups = found.map(
            (row) => [groupOf(unit, row.firstBucket.getTime(), timeZone), row.requestCount] as const,
          )
          expect(new Map(groups)).toEqual(wanted)
          expect(groups).toHaveLength(wanted.size)
          for (const row of found) {
            expect(row[unit]!.getTime()).toBeLessThanOrEqual(row.firstBucket.getTime())
            if (unit !== 'hour')
              expect(groupOf(unit, row[unit]!.getTime(), timeZone)).toBe(
                groupOf(unit, row.firstBucket.getTime(), timeZone),
              )
          }
          expect((await findStraddlingRows(db, { by: [unit], timeZone })).rows).toBe(cut)
        }),
        { numRuns: searchRuns(8) },
      )
    })
  })

  test('counts the rows that the ends of a period cut, once each', async () => {
    await db.query('delete from api_key_analytics')
    await fillUsage(db, [
      { key: 1, bucket: START, minutes: 60, requests: 3 },
      { key: 1, bucket: START, minutes: 1440, requests: 5 },
      { key: 1, bucket: START + DAY, minutes: 60, requests: 7 },
      { key: 1, bucket: START + DAY, minutes: 1440, requests: 11 },
    ])
    const at = (since: number, until: number): Promise<unknown> =>
      findStraddlingRows(db, { since: new Date(since), until: new Date(until), by: ['day'] })
    expect(await at(START, START + 2 * DAY)).toEqual({ rows: 0, requests: 0 })
    expect(await at(START + HOUR, START + 2 * DAY)).toEqual({ rows: 1, requests: 5 })
    expect(await at(START + HOUR / 2, START + DAY + HOUR / 2)).toEqual({ rows: 4, requests: 26 })
    const berlin = { since: new Date(START - 2 * HOUR), until: new Date(START + DAY - 2 * HOUR) }
    expect(await findStraddlingRows(db, { ...berlin, by: ['day'], timeZone: 'Europe/Berlin' })).toEqual({
      rows: 1,
      requests: 5,
    })
  })
})
