import { binOf, LONGEST_BIN, UNMEASURED_BIN, UPPER_US } from '../../model/duration-bins.ts'
import type { DurationBins } from '../../model/duration-bins.ts'

/**
 * A histogram with the quantiles that an export has of a row: an export has no histograms. The quantiles of the row are
 * then exactly those of the export; those of many rows together are estimates.
 */
export function estimateBins(
  requestCount: number,
  measured: number,
  [p50, p95, p99]: readonly [p50: number, p95: number, p99: number],
): DurationBins {
  const [upTo50, upTo95] = [0.5, 0.95].map((share) => Math.ceil(share * measured)) as [number, number]
  const parts = [
    [UNMEASURED_BIN, requestCount - measured],
    [toBin(p50), upTo50],
    [toBin(p95), upTo95 - upTo50],
    [toBin(p99), measured - upTo95],
  ] as const
  const requests = new Map<number, number>()
  for (const [bin, count] of parts) {
    if (count > 0) requests.set(bin, (requests.get(bin) ?? 0) + count)
  }
  return [...requests].sort(([a], [b]) => a - b).flat()
}

/** The bin of a reported quantile. Of all durations above the longest bound, that bound is reported. */
function toBin(us: number): number {
  return us >= UPPER_US[LONGEST_BIN - 1]! ? LONGEST_BIN : binOf(us)
}
