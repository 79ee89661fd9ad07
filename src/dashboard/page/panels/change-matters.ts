/** A smaller change is a trifle, however many requests show it. */
const LEAST_CHANGE = 0.05
/** Standard deviations: about 5 of 100 unchanged numbers differ by more than this by chance. */
const DEVIATIONS = 2
/** Durations of an API scatter about twice as much as their mean. */
const DURATION_SCATTER = 2
/** So do quantities of a unit. */
const QUANTITY_SCATTER = 2
/** A shorter difference of durations is nothing that a caller notices. */
const LEAST_MS = 1

/** Whether two counts differ by more than a trifle and more than chance: the variance of a count is about the count. */
export function isCountChanged(now: number, before: number): boolean {
  return isLarge(now, before) && Math.abs(now - before) > DEVIATIONS * Math.sqrt(now + before)
}

/** How much some requests used of a unit. */
export interface UsedQuantity {
  readonly quantity: number
  readonly requests: number
}

/**
 * Whether two quantities differ by more than a trifle and more than chance. The variance of the sum of a random number of
 * values (a compound Poisson distribution) is that number times the mean square of a value.
 */
export function isQuantityChanged(now: UsedQuantity, before: UsedQuantity): boolean {
  const varianceOf = ({ quantity, requests }: UsedQuantity) =>
    requests ? (quantity ** 2 / requests) * (1 + QUANTITY_SCATTER ** 2) : 0
  const difference = Math.abs(now.quantity - before.quantity)
  return (
    isLarge(now.quantity, before.quantity) &&
    difference > DEVIATIONS * Math.sqrt(varianceOf(now) + varianceOf(before))
  )
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
  return difference >= LEAST_MS && isMeanChanged(toMean(now), toMean(before), DURATION_SCATTER)
}

const toMean = ({ meanMs, requests }: MeanDuration): Mean => ({ mean: meanMs, requests })

/** Whether two mean quantities per request differ by more than a trifle and more than chance. */
export function isMeanQuantityChanged(now: UsedQuantity, before: UsedQuantity): boolean {
  const meanOf = ({ quantity, requests }: UsedQuantity) => ({ mean: quantity / requests, requests })
  return isMeanChanged(meanOf(now), meanOf(before), QUANTITY_SCATTER)
}

interface Mean {
  readonly mean: number
  readonly requests: number
}

/** `scatter` is the standard deviation of one value, relative to the mean. */
function isMeanChanged(now: Mean, before: Mean, scatter: number): boolean {
  if (!now.requests || !before.requests || !isLarge(now.mean, before.mean)) return false
  const variance = now.mean ** 2 / now.requests + before.mean ** 2 / before.requests
  return Math.abs(now.mean - before.mean) > DEVIATIONS * scatter * Math.sqrt(variance)
}

function isLarge(now: number, before: number): boolean {
  return Math.abs(now - before) > LEAST_CHANGE * before
}
