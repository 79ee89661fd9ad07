/** Operations remembered; past it they are forgotten, which costs one more look-up each. */
const LIMIT = 100_000

/** Remembers which operations this process has looked up among the routes in an hour. */
export class NotedCalls {
  readonly #calls = new Set<string>()
  #hour = Number.NEGATIVE_INFINITY

  has(hour: number, method: string, endpoint: string): boolean {
    return hour === this.#hour && this.#calls.has(nameOf(method, endpoint))
  }

  add(hour: number, method: string, endpoint: string): void {
    if (hour !== this.#hour || this.#calls.size >= LIMIT) this.#calls.clear()
    this.#hour = hour
    this.#calls.add(nameOf(method, endpoint))
  }

  /** Takes over what a transaction has noted. Call it after the commit. */
  take({ hour, calls }: { readonly hour: number; readonly calls: NotedCalls }): void {
    if (hour !== this.#hour || this.#calls.size + calls.#calls.size > LIMIT) this.#calls.clear()
    this.#hour = hour
    for (const call of calls.#calls) this.#calls.add(call)
  }

  /** Forgets all: there are new routes, which calls of this hour have not reached. */
  forget(): void {
    this.#calls.clear()
  }
}

const nameOf = (method: string, endpoint: string): string => `${method} ${endpoint}`
