import { describe, expect, test } from 'vitest'
import { UNMEASURED_BIN } from '../../src/model/duration-bins.ts'
import { measureLatency } from '../../src/model/latency.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../src/model/key.ts'
import { countKeys, measureUsage, sumUp } from '../../src/report/usage/measure-usage.ts'
import { keyRecord, usageRow } from '../support/usage/usage-rows.ts'

const [early, late] = [new Date('2026-10-01T10:00Z'), new Date('2026-10-03T10:00Z')]

describe('sumUp', () => {
  test('adds every count, and takes the first and the last bucket of all', () => {
    const rows = [
      usageRow({
        requestCount: 10,
        clientErrorCount: 3,
        rejectedCount: 2,
        durationUs: 50,
        firstBucket: late,
      }),
      usageRow({ requestCount: 5, serverErrorCount: 4, durationUs: 7, firstBucket: early, lastBucket: late }),
    ]
    expect(sumUp(rows)).toEqual({
      requestCount: 15,
      clientErrorCount: 3,
      serverErrorCount: 4,
      rejectedCount: 2,
      durationUs: 57,
      firstBucket: early,
      lastBucket: late,
    })
  })

  test('has no buckets and no latency without rows', () => {
    expect(Object.keys(sumUp([]))).not.toContain('firstBucket')
    expect(sumUp([])).toMatchObject({ requestCount: 0, durationUs: 0 })
    expect(sumUp([]).latency).toBeUndefined()
  })

  test('merges histograms instead of quantiles, with groups of which nothing was measured', () => {
    const fast = usageRow({ latency: measureLatency([5, 98]) })
    const slow = usageRow({ latency: measureLatency([40, 2]) })
    const unmeasured = usageRow({ latency: null })
    const { latency } = sumUp([fast, slow, unmeasured])
    expect(latency).toEqual(measureLatency([5, 98, 40, 2]))
    expect(latency!.p50Us).toBe(fast.latency!.p50Us)
    expect(latency!.p99Us).toBe(slow.latency!.p50Us)
  })

  test('has a latency of null when nothing was measured', () => {
    expect(sumUp([usageRow({ latency: null })]).latency).toBeNull()
  })
})

describe('countKeys', () => {
  test('counts keys, but not (other) and (rejected), which stand for many', () => {
    const keys = [keyRecord(1), keyRecord(2), keyRecord(3, OTHER_KEY), keyRecord(4, REJECTED_KEY)]
    expect(countKeys(keys.map((key) => usageRow({ key })))).toBe(2)
    expect(countKeys([usageRow({ endpoint: '/' })])).toBe(0)
  })
})

describe('measure', () => {
  test('gives rates and means of the requests', () => {
    const row = usageRow({
      requestCount: 200,
      clientErrorCount: 30,
      serverErrorCount: 10,
      rejectedCount: 4,
      durationUs: 500_000,
    })
    expect(measureUsage(row)).toEqual({
      requests: 200,
      clientErrors: 30,
      serverErrors: 10,
      rejected: 4,
      errorRate: 0.2,
      meanDurationMs: 2.5,
      firstUsed: row.firstBucket,
      lastUsed: row.lastBucket,
    })
  })

  test('divides nothing by no requests', () => {
    expect(measureUsage(sumUp([]))).toMatchObject({
      requests: 0,
      errorRate: 0,
      meanDurationMs: 0,
      firstUsed: null,
      lastUsed: null,
    })
  })

  test.each([
    [150, 100, 0.5],
    [50, 100, -0.5],
    [0, 100, -1],
    [100, 100, 0],
    [100, 0, null],
    [0, 0, null],
  ])('of %d requests after %d has the change %d', (requestCount, before, change) => {
    const measures = measureUsage(usageRow({ requestCount }), { requestCount: before })
    expect(measures).toMatchObject({ previousRequests: before, change })
  })

  test('has no change against a period that is not all in the database, but its count', () => {
    expect(measureUsage(usageRow({ requestCount: 9 }), { requestCount: 3 }, false)).toMatchObject({
      previousRequests: 3,
      change: null,
    })
  })

  test('gives durations in milliseconds, of those requests that were measured', () => {
    const latency = measureLatency([UNMEASURED_BIN, 7, 20, 3])!
    const measures = measureUsage(usageRow({ requestCount: 10, latency }))
    expect(measures).toMatchObject({ measured: 3, p50Ms: latency.p50Us / 1000, p99Ms: latency.p99Us / 1000 })
  })

  test('says that nothing was measured, and nothing when durations were not asked for', () => {
    expect(measureUsage(usageRow({ latency: null }))).toMatchObject({
      measured: 0,
      p50Ms: null,
      p95Ms: null,
      p99Ms: null,
    })
    expect(measureUsage(usageRow())).not.toHaveProperty('measured')
  })
})
