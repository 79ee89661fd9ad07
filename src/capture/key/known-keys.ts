import type { CountedKey } from '../../model/request-counter.ts'
import { RecentMap } from '../../model/recent-map.ts'

/** The ids of keys seen to be real: by this process, or because the database has them. Bounded. */
export class KnownKeys {
  readonly #limit: number
  readonly #learned: RecentMap<true>
  #stored: ReadonlySet<string> = new Set()

  /** `limit`: how many ids to remember from each source. */
  constructor(limit: number) {
    this.#limit = limit
    this.#learned = new RecentMap(limit)
  }

  has({ identity: { id }, isKnown }: CountedKey): boolean {
    return isKnown || this.#learned.get(id) !== undefined || this.#stored.has(id)
  }

  /** Remembers a key that the app named, or that was let in. */
  learn(key: CountedKey): void {
    if (key.isKnown) return
    key.isKnown = true
    this.#learned.set(key.identity.id, true)
  }

  /** Replaces what is known from the database, most important ids first. What this process learned stays. */
  replace(ids: readonly string[]): void {
    this.#stored = new Set(ids.slice(0, this.#limit))
  }
}
