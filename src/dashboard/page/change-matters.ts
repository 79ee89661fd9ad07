/** A smaller change is a trifle, however many requests show it. */
const LEAST_CHANGE = 0.05
/** Standard deviations: about 5 of 100 unchanged numbers differ by more than this by chance. */
const DEVIATIONS = 2
/** Durations of an API scatter about twice as much as their mean. */
const DURATION_SCATTER = 2
/** A shorter difference of durations is nothing that a caller notices. */
const LEAST_MS = 1

/** Whether two counts differ by more than a trifle and more than chance: the variance of a count is about the count. */
export function isCountChanged(now: number, before: number): boolean {
  return isLarge(now, before) && Math.abs(now - before) > DEVIATIONS * Math.sqrt(now + before)
}

/** A share of some requests. */
export interface Rate {
  readonly rate: number
  readonly requests: number
}

/** Whether two shares differ by more than a trifle and more than chance: the two-proportion z-test. */
export function isRateChanged(now: Rate, before: Rate): boolean {
  if (!now.requests || !before.requests || !isLarge(now.rate, before.rate)) return false
  const requests = now.requests + before.requests
  const pooled = (now.rate * now.requests + before.rate * before.requests) / requests
  const variance = pooled * (1 - pooled) * (1 / now.requests + 1 / before.requests)
  return Math.abs(now.rate - before.rate) > DEVIATIONS * Math.sqrt(variance)
}

/** The mean duration of some requests. */
export interface MeanDuration {
  readonly meanMs: number
  readonly requests: number
}

/** Whether two mean durations differ by more than a trifle and more than chance. */
export function isDurationChanged(now: MeanDuration, before: MeanDuration): boolean {
  const difference = Math.abs(now.meanMs - before.meanMs)
  if (!now.requests || !before.requests || difference < LEAST_MS || !isLarge(now.meanMs, before.meanMs)) {
    return false
  }
  const variance = now.meanMs ** 2 / now.requests + before.meanMs ** 2 / before.requests
  return difference > DEVIATIONS * DURATION_SCATTER * Math.sqrt(variance)
}

function isLarge(now: number, before: number): boolean {
  return Math.abs(now - before) > LEAST_CHANGE * before
}
