/**
 * The histogram of durations: logarithmic bins, so that a quantile is right to within 10 % wherever it lies, and
 * histograms merge exactly by adding bin to bin.
 *
 * Bin 0 holds requests whose duration nobody measured, bin 1 those of at most 0.1 ms; bin i from 2 to 74 holds
 * 0.1 ms x 1.2^(i-2) < duration <= 0.1 ms x 1.2^(i-1), which reaches to 60.2 s; bin 75 holds all above. A quantile is
 * reported as the harmonic middle of its bin, 2 x upper / (1 + 1.2), which is off by at most (1.2 - 1) / (1.2 + 1) = 9.1 %.
 * After Masson, Rim, Lee: "DDSketch", PVLDB 12, 2019, section 2.
 */

export const GROWTH = 1.2
export const LEAST_US = 100
/** The bin of requests without a known duration, and the value that replaces that duration. */
export const UNMEASURED_BIN = 0
export const UNMEASURED_US = -1
/** The bin of durations above the longest bound. */
export const LONGEST_BIN = 75
/** Bins in all; they are numbered from 0. */
export const BIN_COUNT = 76

/** Requests by bin, flat and without empty bins, in the order of bins: bin, requests, bin, requests … */
export type DurationBins = readonly number[]

/** As JSON: the requests of a histogram's first bin and of all bins after it, up to its last one. */
export function renderBins(bins: DurationBins): string {
  let filled = ''
  let next = bins[0]!
  for (let index = 0; index < bins.length; index += 2) {
    for (; next < bins[index]!; next += 1) filled += '0,'
    filled += `${bins[index + 1]},`
    next += 1
  }
  return `[${filled.slice(0, -1)}]`
}

/** The histogram of the requests of a bin and of all bins after it. */
export function toSparseBins(requests: readonly (number | null)[], first = 0): DurationBins {
  return requests.flatMap((count, index) => (count ? [first + index, count] : []))
}

/** The longest duration of each bin from 1 to 74, whole microseconds. */
export const UPPER_US = Float64Array.from({ length: LONGEST_BIN }, (_, bin) =>
  bin === UNMEASURED_BIN ? 0 : Math.round(LEAST_US * GROWTH ** (bin - 1)),
)

/** The bin of 2^n microseconds, up to the power of two below the longest bound: where to begin to look. */
const BIN_OF_POWER = Uint8Array.from({ length: Math.ceil(Math.log2(UPPER_US.at(-1)!)) }, (_, power) =>
  UPPER_US.findIndex((upperUs) => upperUs >= 2 ** power),
)

/** The bin of a duration in whole microseconds, 0 or more, or of `UNMEASURED_US`. */
export function binOf(durationUs: number): number {
  if (durationUs === UNMEASURED_US) return UNMEASURED_BIN
  if (durationUs > UPPER_US[LONGEST_BIN - 1]!) return LONGEST_BIN
  // at most four bins lie between two powers of two
  let bin = BIN_OF_POWER[31 - Math.clz32(durationUs | 1)]!
  while (durationUs > UPPER_US[bin]!) bin += 1
  return bin
}
