import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BIN_COUNT,
  binOf,
  GROWTH,
  LEAST_US,
  LONGEST_BIN,
  measureLatency,
  UNMEASURED_BIN,
  type DurationBins,
} from '../../src/model/duration-bins.ts'

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

function merge(histograms: readonly DurationBins[]): DurationBins {
  const counts = Array.from({ length: BIN_COUNT }, () => 0)
  for (const bins of histograms) {
    for (let index = 0; index < bins.length; index += 2) counts[bins[index]!]! += bins[index + 1]!
  }
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
        const merged = merge(parts.map(countBins))
        expect(merged).toEqual(countBins(all))
        const latency = measureLatency(merged)!
        expect(latency.measuredCount).toBe(all.length)
        for (const name of ['p50Us', 'p95Us', 'p99Us'] as const) {
          expectNear(latency[name], quantileOf(all, SHARES[name]))
        }
      }),
      { numRuns: 500 },
    )
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
