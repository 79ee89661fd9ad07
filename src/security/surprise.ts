/**
 * How unlikely it is to see `count` or more where `normal` is expected, as a negative power of ten: 8 stands for a
 * chance of at most 1 in 10^8. Never overstated: it is the Chernoff bound on the tail of a negative binomial with mean
 * m = `normal` and variance m + a m^2, a = `dispersion`. With r = 1/a:
 *
 * P(X >= x) <= exp(-(x ln(x/m) - (x + r) ln((x + r)/(m + r)))) for x > m.
 *
 * Sources: Chernoff, Annals of Mathematical Statistics 23 (1952) 493-507; the negative binomial with this variance
 * (NB2): Cameron and Trivedi, Regression Analysis of Count Data; the same model raises alarms about disease counts in
 * Noufaily et al., Statistics in Medicine 32 (2013) 1206-1222.
 */
export function surpriseOf(count: number, normal: number, dispersion: number): number {
  if (count <= normal) return 0
  const [x, m, r] = [count, normal, 1 / dispersion]
  // rounding may make a difference of zero negative
  return Math.max(0, (x * Math.log(x / m) - (x + r) * Math.log((x + r) / (m + r))) / Math.LN10)
}

/** Half of a normal distribution lies within this many standard deviations: what makes the MAD a scale. */
const MAD_SCALE = 0.6745
const LEAST_DISPERSION = 0.05
const MOST_DISPERSION = 20

/**
 * The dispersion a of past counts around their normal values: the one for which half of them lie within 0.6745 standard
 * deviations sqrt(m + a m^2). This is the median absolute deviation (Iglewicz and Hoaglin, How to Detect and Handle
 * Outliers, 1993). Up to half of the past may be unusual without hiding the next incident.
 */
export function fitDispersion(past: readonly { count: number; normal: number }[]): number {
  const fits = (dispersion: number): boolean => {
    const deviations = past.map(
      ({ count, normal }) => Math.abs(count - normal) / Math.sqrt(normal + dispersion * normal * normal),
    )
    return medianOf(deviations) <= MAD_SCALE
  }
  let [low, high] = [LEAST_DISPERSION, MOST_DISPERSION]
  if (past.length === 0 || fits(low)) return low
  while (high / low > 1.05) {
    const middle = Math.sqrt(low * high)
    if (fits(middle)) high = middle
    else low = middle
  }
  return high
}

/** The median; 0 for an empty list. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
