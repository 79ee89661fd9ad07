import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import { identify, startCounting } from '../support/usage/counting-process.ts'
import { keepingStore } from '../support/usage/keeping-store.ts'
import { searchRuns } from '../support/search-runs.ts'

const MINUTE_MS = 60_000
const home = mkdtempSync(join(tmpdir(), 'apikey-analytics-unit-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** A buffer with minute buckets that takes its clock to be steady for 100 ms; `at` is a time by `performance.now()`. */
function startSteady(wallAt: (at: number) => number) {
  let at = 0
  let looks = 0
  const store = keepingStore()
  const now = () => {
    looks += 1
    return Math.floor(wallAt(at))
  }
  const dataDir = mkdtempSync(join(home, 'run-'))
  const counting = startCounting({ dataDir, store, now, steadyMs: 100, bucketMinutes: 1, mapped: false })
  const [key, operation] = [toCountedKey(identify('a')), toCountedOperation('GET', '/')]
  return {
    store,
    looks: () => looks,
    count: (time: number) => {
      at = time
      counting.buffer.count(key, operation, 200, 1, time)
    },
    flush: async () => {
      await counting.flush()
      await counting.flush()
      counting.crash()
    },
  }
}

describe('a clock that is taken to be steady', () => {
  test('is asked ten times a second, however many requests there are', async () => {
    const { count, looks, flush } = startSteady((at) => at)
    const before = looks()
    for (let at = 0; at < 1000; at += 0.1) count(at)
    expect(looks() - before).toBeLessThanOrEqual(11)
    await flush()
  })

  test('puts each request into the bucket in which it was finished, to the millisecond', async () => {
    const steps = fc.array(fc.oneof(fc.nat(3), fc.nat(150), fc.nat(40_000)), { maxLength: 60 })
    // a minute ends soon, so that many of the steps are near its end
    const start = fc.integer({ min: 59_900, max: 59_999 })
    await fc.assert(
      fc.asyncProperty(steps, start, async (steps, start) => {
        // half a thousandth is what a time server slows a clock down or speeds it up by at most
        const wallAt = (at: number) => start + at * 1.0005
        const { store, count, flush } = startSteady(wallAt)
        const expected: Record<number, number> = {}
        let at = 0
        for (const step of steps) {
          at += step / 2
          count(at)
          const bucket = Math.floor(wallAt(at) / MINUTE_MS) * MINUTE_MS
          expected[bucket] = (expected[bucket] ?? 0) + 1
        }
        await flush()
        expect(store.requestsByBucket()).toEqual(expected)
      }),
      { numRuns: searchRuns(300) },
    )
  })

  test('that is set is noticed a tenth of a second later', async () => {
    let ahead = 0
    const { store, count, flush } = startSteady((at) => at + ahead)
    count(10)
    ahead = 5 * MINUTE_MS
    count(50)
    count(111)
    await flush()
    expect(store.requestsByBucket()).toEqual({ 0: 2, [5 * MINUTE_MS]: 1 })
  })
})
