import { BIN_COUNT } from '../../../src/model/duration-bins.ts'
import type { DurationBins } from '../../../src/model/duration-bins.ts'

/** Several histograms as one, in the simplest way there is. */
export function mergeBins(histograms: readonly DurationBins[]): DurationBins {
  const counts = Array.from({ length: BIN_COUNT }, () => 0)
  for (const bins of histograms) {
    for (let index = 0; index < bins.length; index += 2) counts[bins[index]!]! += bins[index + 1]!
  }
  return counts.flatMap((count, bin) => (count > 0 ? [bin, count] : []))
}
