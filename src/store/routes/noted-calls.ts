/** Operations remembered; past it they are forgotten, which costs one more look-up each. */
const LIMIT = 100_000

/** Remembers which operations this process has looked up among the routes in an hour. */
export class NotedCalls {
  readonly #calls = new Set<string>()
  #hour = Number.NEGATIVE_INFINITY

  has(hour: number, method: string, endpoint: string): boolean {
    return hour === this.#hour && this.#calls.has(`${method} ${endpoint}`)
  }

  /** Call it after the transaction that noted them has committed. */
  add(hour: number, calls: ReadonlyMap<string, ReadonlySet<string>>): void {
    if (hour !== this.#hour || this.#calls.size > LIMIT) this.#calls.clear()
    this.#hour = hour
    for (const [endpoint, methods] of calls)
      for (const method of methods) this.#calls.add(`${method} ${endpoint}`)
  }

  /** Forgets all: there are new routes, which calls of this hour have not reached. */
  forget(): void {
    this.#calls.clear()
  }
}
