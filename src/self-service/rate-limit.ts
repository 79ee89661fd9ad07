import { RecentMap } from '../model/recent-map.ts'

/** Customers that are remembered; one that is forgotten starts with a full allowance. */
const CUSTOMERS = 10_000
const MINUTE_MS = 60_000

/** How often each customer may ask: an allowance that fills up evenly, and is full after a minute. */
export class RateLimit {
  readonly #perMinute: number
  readonly #now: () => number
  readonly #left = new RecentMap<{ left: number; at: number }>(CUSTOMERS)

  /** `now`: milliseconds of a clock that is never set back. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute
    this.#now = now
  }

  /** Takes one question of the customer's allowance. @returns the seconds to wait, 0 when it may be asked now */
  take(customer: string): number {
    const now = this.#now()
    const known = this.#left.get(customer)
    const filled = known ? known.left + ((now - known.at) * this.#perMinute) / MINUTE_MS : this.#perMinute
    const left = Math.min(filled, this.#perMinute)
    const isAllowed = left >= 1
    this.#left.set(customer, { left: isAllowed ? left - 1 : left, at: now })
    return isAllowed ? 0 : Math.max(1, Math.ceil(((1 - left) * MINUTE_MS) / this.#perMinute / 1000))
  }
}
