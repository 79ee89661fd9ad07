import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BIN_COUNT, UNMEASURED_BIN, type DurationBins } from '../../src/model/duration-bins.ts'
import { measureLatency } from '../../src/model/latency.ts'
import { ApiKeyAnalyticsSchema } from '../../src/store/database/entities/api-key-analytics.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { readOnlyOrm } from '../../src/store/database/read-only-orm.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { UsageDimension } from '../../src/model/usage-query.ts'
import type { UsageRow } from '../../src/model/usage-row.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR, makeBatch } from '../support/usage/make-batch.ts'
import type { BatchContent } from '../support/usage/make-batch.ts'
import { searchRuns } from '../support/search-runs.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

type Cell = BatchContent['rows'][number]

/** What each row of the table should hold. */
class Expected {
  readonly rows = new Map<string, number[]>()

  add(row: string, bins: DurationBins): void {
    const sums = this.rows.get(row) ?? Array.from({ length: BIN_COUNT }, () => 0)
    for (let index = 0; index < bins.length; index += 2) sums[bins[index]!]! += bins[index + 1]!
    this.rows.set(row, sums)
  }

  /** The latency of all rows whose name fits. */
  latencyOf(fits: (row: string) => boolean) {
    const merged = new Expected()
    for (const [row, sums] of this.rows) if (fits(row)) merged.add('all', toBins(sums))
    return measureLatency(toBins(merged.rows.get('all') ?? []))
  }
}

const toBins = (sums: readonly number[]): DurationBins =>
  sums.flatMap((count, bin) => (count > 0 ? [bin, count] : []))

const anyBins = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: BIN_COUNT - 1 }), fc.integer({ min: 1, max: 1e6 })), {
    selector: ([bin]) => bin,
    minLength: 1,
    maxLength: 12,
  })
  .map((pairs) => pairs.sort(([a], [b]) => a - b).flat())

const anyBatch = fc.record({
  hour: fc.integer({ min: 0, max: 40 }),
  rows: fc.uniqueArray(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      endpoint: fc.constantFrom('/x', '/y'),
      durationBins: anyBins,
    }),
    { selector: ({ key, endpoint }) => key + endpoint, minLength: 1, maxLength: 6 },
  ),
})

const OWNERS: Record<string, string> = { a: 'Acme', b: 'Acme', c: 'Globex' }
const IDENTITIES = Object.fromEntries(Object.entries(OWNERS).map(([key, owner]) => [key, { owner }]))

const toCell = (row: { key: string; endpoint: string; durationBins: number[] }): Cell => {
  const requestCount = row.durationBins.reduce((sum, value, index) => sum + (index % 2 ? value : 0), 0)
  return { ...row, requestCount, durationUs: requestCount }
}

/** Each row's bins by label, endpoint and bucket. */
async function readBins(db: Database): Promise<Map<string, number[]>> {
  const rows = await readOnlyOrm(db)
    .em.fork()
    .find(ApiKeyAnalyticsSchema, {}, { populate: ['apiKey'] })
  return new Map(
    rows.map(({ apiKey, endpoint, bucket, durationFirstBin, durationBins }) => {
      const sums = Array.from({ length: BIN_COUNT }, () => 0)
      for (const [index, requests] of durationBins.entries()) sums[durationFirstBin + index] = requests
      return [`${apiKey.label} ${endpoint} ${bucket.getTime()}`, sums]
    }),
  )
}

forEachDatabase('histograms of durations', (kind, makeUrl) => {
  test('whatever batches come, each row has the sum of their bins, before and after a roll-up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBatch, { minLength: 1, maxLength: 8 }), async (batches) => {
        const url = await makeUrl()
        const [store, db] = [new DatabaseStore({ url, pepperCheck: '' }), await openDatabase(url)]
        try {
          const [byHour, byDay] = [new Expected(), new Expected()]
          for (const { hour, rows } of batches) {
            const bucket = HOUR + hour * HOUR_MS
            await store.recordBatch(makeBatch({ bucket, identities: IDENTITIES, rows: rows.map(toCell) }))
            for (const { key, endpoint, durationBins } of rows) {
              byHour.add(`${key} ${endpoint} ${bucket}`, durationBins)
              byDay.add(`${key} ${endpoint} ${Math.floor(bucket / DAY_MS) * DAY_MS}`, durationBins)
            }
          }
          expect(await readBins(db)).toEqual(byHour.rows)
          await expectLatencies(db, byHour)
          expect(await verifyUsage(db, { histograms: true })).toMatchObject({
            balanced: true,
            wrongHistograms: 0,
          })
          await rollUpUsage(db, { before: new Date(HOUR + 10 * DAY_MS) })
          expect(await readBins(db)).toEqual(byDay.rows)
          await expectLatencies(db, byDay)
        } finally {
          await store.close()
          await db.close()
        }
      }),
      { numRuns: searchRuns(kind === 'sqlite' ? 12 : 8) },
    )
  })

  test('counts that come for a day that was rolled up are merged into its histogram by the next roll-up', async () => {
    const url = await makeUrl()
    const [store, db] = [new DatabaseStore({ url, pepperCheck: '' }), await openDatabase(url)]
    const deliver = (durationBins: number[]) =>
      store.recordBatch(makeBatch({ rows: [toCell({ key: 'a', endpoint: '/x', durationBins })] }))
    const day = Math.floor(HOUR / DAY_MS) * DAY_MS
    for (const bins of [
      [3, 5],
      [70, 1],
      [10, 2, 12, 1],
    ]) {
      await deliver(bins)
      await rollUpUsage(db, { before: new Date(day + DAY_MS) })
    }
    const expected = new Expected()
    expected.add(`a /x ${day}`, [3, 5, 10, 2, 12, 1, 70, 1])
    expect(await readBins(db)).toEqual(expected.rows)
    await store.close()
    await db.close()
  })

  test('requests that were not measured count as such, alone and beside measured ones', async () => {
    const url = await makeUrl()
    const [store, db] = [new DatabaseStore({ url, pepperCheck: '' }), await openDatabase(url)]
    const deliver = (bins: number[]) =>
      store.recordBatch(makeBatch({ rows: [toCell({ key: 'a', endpoint: '/x', durationBins: bins })] }))
    await deliver([UNMEASURED_BIN, 3])
    expect(await findUsage(db, { latency: true })).toMatchObject([{ requestCount: 3, latency: null }])
    await deliver([20, 4, 30, 1])
    const latency = measureLatency([UNMEASURED_BIN, 3, 20, 4, 30, 1])
    expect(await findUsage(db, { latency: true })).toMatchObject([{ requestCount: 8, latency }])
    await rollUpUsage(db, { before: new Date(HOUR + 10 * DAY_MS) })
    expect(await findUsage(db, { latency: true })).toMatchObject([{ requestCount: 8, latency }])
    expect(await verifyUsage(db, { histograms: true })).toMatchObject({ wrongHistograms: 0 })
    await store.close()
    await db.close()
  })

  test('a row whose bins are not its requests is found', async () => {
    const url = await makeUrl()
    const [store, db] = [new DatabaseStore({ url, pepperCheck: '' }), await openDatabase(url)]
    await store.recordBatch(makeBatch({ rows: [{ key: 'a', requestCount: 3 }, { key: 'b' }] }))
    await db.query('update api_key_analytics set duration_first_bin = 7')
    expect(await verifyUsage(db, { histograms: true })).toMatchObject({ wrongHistograms: 0 })
    await db.query('update api_key_analytics set request_count = request_count + 1 where request_count = 3')
    expect(await verifyUsage(db, { histograms: true })).toMatchObject({ wrongHistograms: 1 })
    await store.close()
    await db.close()
  })
})

/** Every way of grouping tells the quantiles of exactly the requests of its groups. */
async function expectLatencies(db: Database, all: Expected): Promise<void> {
  const find = (by: UsageDimension[]) => findUsage(db, { by, latency: true, trend: 'day' })
  const checks: [UsageDimension[], (group: UsageRow, row: string[]) => boolean][] = [
    [[], () => true],
    [['key'], ({ key }, [label]) => key!.label === label],
    [['owner'], ({ owner }, [label]) => OWNERS[label!] === owner],
    [
      ['endpoint', 'day'],
      ({ endpoint, day }, [, path, bucket]) => {
        return endpoint === path && Math.floor(Number(bucket) / DAY_MS) * DAY_MS === day!.getTime()
      },
    ],
  ]
  for (const [by, fits] of checks) {
    for (const group of await find(by)) {
      expect(group.latency).toEqual(all.latencyOf((row) => fits(group, row.split(' '))))
    }
  }
}
