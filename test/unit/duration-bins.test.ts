import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BIN_COUNT,
  binOf,
  GROWTH,
  LEAST_US,
  LONGEST_BIN,
  UNMEASURED_BIN,
  type DurationBins,
} from '../../src/model/duration-bins.ts'
import { measureLatency, measureQuantileUs, mergeLatency } from '../../src/model/latency.ts'
import { mergeBins } from '../support/usage/merge-bins.ts'
import { searchRuns } from '../support/search-runs.ts'

const LONGEST_US = 60_000_000
const SHARES = { p50Us: 0.5, p95Us: 0.95, p99Us: 0.99 } as const
/** 0.1 ms to 60 s, every magnitude as likely as any other. */
const duration = fc
  .double({ min: Math.log(LEAST_US), max: Math.log(LONGEST_US), noNaN: true })
  .map((log) => Math.min(LONGEST_US, Math.max(LEAST_US, Math.round(Math.exp(log)))))

/** The histogram of some durations, as a row carries it. */
function countBins(durationsUs: readonly number[]): DurationBins {
  const counts = Array.from({ length: BIN_COUNT }, () => 0)
  for (const durationUs of durationsUs) counts[binOf(durationUs)]! += 1
  return counts.flatMap((count, bin) => (count > 0 ? [bin, count] : []))
}

/** The duration that a share of all took at most. */
function quantileOf(durationsUs: readonly number[], share: number): number {
  const sorted = durationsUs.toSorted((a, b) => a - b)
  return sorted[Math.ceil(share * sorted.length) - 1]!
}

function expectNear(told: number, exact: number): void {
  expect(Math.abs(told - exact) / exact).toBeLessThanOrEqual(0.1)
}

describe('the bin of a duration', () => {
  test('is the first that reaches it, up to 0.1 ms x 1.2^(bin - 1) inclusive', () => {
    for (let bin = 1; bin < LONGEST_BIN; bin += 1) {
      const longest = Math.round(LEAST_US * GROWTH ** (bin - 1))
      expect([binOf(longest), binOf(longest + 1)]).toEqual([bin, bin + 1])
    }
  })

  test.each([
    [0, 1],
    [1, 1],
    [100, 1],
    [101, 2],
    [60_000_000, LONGEST_BIN - 1],
    [61_000_000, LONGEST_BIN],
    [Number.MAX_SAFE_INTEGER, LONGEST_BIN],
  ])('of %i µs is %i', (durationUs, bin) => {
    expect(binOf(durationUs)).toBe(bin)
  })

  test('is never the one of requests that nobody measured, nor past the last', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (durationUs) => {
        expect(binOf(durationUs)).toBeGreaterThan(UNMEASURED_BIN)
        expect(binOf(durationUs)).toBeLessThan(BIN_COUNT)
      }),
    )
  })
})

describe('a quantile', () => {
  test('is told within 10 % for each whole number of microseconds at the borders of bins', () => {
    for (let bin = 1; bin < LONGEST_BIN; bin += 1) {
      const longest = Math.min(LONGEST_US, Math.round(LEAST_US * GROWTH ** (bin - 1)))
      for (const durationUs of [longest, Math.min(LONGEST_US, longest + 1)]) {
        expectNear(measureLatency(countBins([durationUs]))!.p50Us, durationUs)
      }
    }
  })

  test('is within 10 % of the exact one, whatever was measured and in however many parts it was counted', () => {
    const parts = fc.array(fc.array(duration, { minLength: 1, maxLength: 200 }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(parts, (parts) => {
        const all = parts.flat()
        const merged = mergeBins(parts.map(countBins))
        expect(merged).toEqual(countBins(all))
        const latency = measureLatency(merged)!
        expect(mergeLatency(parts.map((part) => measureLatency(countBins(part))))).toEqual(latency)
        expect(latency.measuredCount).toBe(all.length)
        for (const name of ['p50Us', 'p95Us', 'p99Us'] as const) {
          expectNear(latency[name], quantileOf(all, SHARES[name]))
          expect(measureQuantileUs(latency, SHARES[name])).toBe(latency[name])
        }
        for (const share of [Number.MIN_VALUE, 0.25, 0.9, 0.999, 1]) {
          expectNear(measureQuantileUs(latency, share), quantileOf(all, share))
        }
        for (const { upToUs, requests } of latency.histogram) {
          const inStep = all.filter((us) => us <= upToUs && us * GROWTH > upToUs - 1)
          expect(requests).toBeGreaterThan(0)
          expect(inStep.length).toBeGreaterThanOrEqual(requests)
        }
        expect(latency.histogram.reduce((sum, { requests }) => sum + requests, 0)).toBe(all.length)
      }),
      { numRuns: searchRuns(500) },
    )
  })

  test('of groups together is null only when nothing was measured in any of them', () => {
    const one = measureLatency(countBins([5000, 90_000_000]))
    expect(mergeLatency([null, one, undefined])).toEqual(one)
    expect(one!.histogram.at(-1)).toEqual({ upToUs: Number.POSITIVE_INFINITY, requests: 1 })
    expect(mergeLatency([null, undefined])).toBeNull()
    expect(mergeLatency([])).toBeNull()
  })

  test.each([0, -1, 1.01, 95, Number.NaN])('of the share %d is refused', (share) => {
    expect(() => measureQuantileUs(measureLatency(countBins([5000]))!, share)).toThrow(`the share ${share}.`)
  })

  test('is of the measured requests only', () => {
    const latency = measureLatency([UNMEASURED_BIN, 1_000_000, ...countBins([5000])])
    expect(latency).toMatchObject({ measuredCount: 1 })
    expectNear(latency!.p50Us, 5000)
    expect(measureLatency([UNMEASURED_BIN, 7])).toBeNull()
    expect(measureLatency([])).toBeNull()
  })

  test('of durations past either end is told as that end', () => {
    expect(measureLatency(countBins([0]))!.p99Us).toBe(LEAST_US)
    const { p50Us } = measureLatency(countBins([3_600_000_000]))!
    expect(p50Us).toBe(Math.round(LEAST_US * GROWTH ** (LONGEST_BIN - 2)))
    expect(p50Us).toBeGreaterThan(LONGEST_US)
  })
})
