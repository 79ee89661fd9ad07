/**
 * A map that remembers at least the `size` entries used last and never more than twice as many. Two generations
 * instead of a list in order of use: a look-up costs one or two reads, and no entry is moved twice per generation.
 */
export class RecentMap<Value> {
  readonly #size: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(size: number) {
    this.#size = size
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#rejuvenate(key)
  }

  #rejuvenate(key: string): Value | undefined {
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#size && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}
