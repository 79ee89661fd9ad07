import { AnalyticsError } from './errors.ts'
import {
  BIN_COUNT,
  binOf,
  GROWTH,
  LEAST_US,
  LONGEST_BIN,
  toSparseBins,
  UNMEASURED_BIN,
  UPPER_US,
} from './duration-bins.ts'
import type { DurationBins } from './duration-bins.ts'

/** Requests whose duration lies in one step of a histogram. */
export interface LatencyStep {
  /** The longest duration in this step, microseconds; `Infinity` in the last one, for all above 60.2 s. */
  readonly upToUs: number
  readonly requests: number
}

/** Latency of requests, from entering the middleware to the end of the handlers. */
export interface Latency {
  /** Requests whose duration was measured: the quantiles and the histogram are theirs. */
  readonly measuredCount: number
  /**
   * Half, 95 % and 99 % of them took at most this long, in microseconds, to within 10 % from 0.1 ms to 60 s. Shorter
   * ones are reported as 0.1 ms, longer ones as 60.2 s.
   */
  readonly p50Us: number
  readonly p95Us: number
  readonly p99Us: number
  /** Them by duration, shortest first; steps without requests are left out. */
  readonly histogram: readonly LatencyStep[]
}

/** The quantiles of stored bins. @returns null when nothing was measured */
export function measureLatency(bins: DurationBins): Latency | null {
  const histogram: LatencyStep[] = []
  let measuredCount = 0
  for (let index = 0; index < bins.length; index += 2) {
    const [bin, requests] = [bins[index]!, bins[index + 1]!]
    if (bin === UNMEASURED_BIN) continue
    histogram.push({ upToUs: UPPER_US[bin] ?? Number.POSITIVE_INFINITY, requests })
    measuredCount += requests
  }
  if (measuredCount === 0) return null
  const p = (share: number): number => findQuantile({ measuredCount, histogram }, share)
  return { measuredCount, p50Us: p(0.5), p95Us: p(0.95), p99Us: p(0.99), histogram }
}

/**
 * The latency of several groups together, exactly as if their requests had been one group. Groups without a latency may
 * be among them.
 * @returns null when nothing was measured
 */
export function mergeLatency(groups: readonly (Latency | null | undefined)[]): Latency | null {
  const requests = Array.from({ length: BIN_COUNT }, () => 0)
  for (const group of groups) {
    for (const step of group?.histogram ?? []) requests[binOf(step.upToUs)]! += step.requests
  }
  return measureLatency(toSparseBins(requests))
}

/**
 * The duration that a share of the measured requests took at most, in microseconds: `measureQuantileUs(latency, 0.999)`.
 * As precise as `p99Us`.
 * @throws ARGUMENT_INVALID when the share is not above 0 and at most 1
 */
export function measureQuantileUs(latency: Latency, share: number): number {
  if (share > 0 && share <= 1) return findQuantile(latency, share)
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    `measureQuantileUs() got the share ${share}. Pass a number above 0 and at most 1, such as 0.95.`,
  )
}

function findQuantile(
  { measuredCount, histogram }: Pick<Latency, 'measuredCount' | 'histogram'>,
  share: number,
): number {
  const rank = Math.ceil(share * measuredCount)
  let passed = 0
  const step = histogram.find(({ requests }) => (passed += requests) >= rank)
  return REPORTED_US[binOf(step!.upToUs)]!
}

/** The reported duration for each bin, whole microseconds. */
const REPORTED_US = Float64Array.from({ length: BIN_COUNT }, (_, bin) => {
  if (bin <= 1) return LEAST_US
  if (bin === LONGEST_BIN) return UPPER_US[LONGEST_BIN - 1]!
  return Math.round((2 * LEAST_US * GROWTH ** (bin - 1)) / (1 + GROWTH))
})
