import type { KeyIdentity } from '../usage.ts'

/** How often one process moves a key's time of last use at most. */
const TOUCH_INTERVAL_MS = 60_000

/** Far above `maxKeys`; forgetting only means to touch again. */
const LIMIT = 100_000

/** Remembers which keys this process has touched in the database within the last minute. */
export class TouchedKeys {
  readonly #touchedAt = new Map<string, number>()

  /** Those whose time of last use should be moved to `now`, in the same order. */
  findDue(keys: readonly KeyIdentity[], now: number): KeyIdentity[] {
    return keys.filter(({ id }) => {
      const touchedAt = this.#touchedAt.get(id)
      return touchedAt === undefined || now - touchedAt >= TOUCH_INTERVAL_MS
    })
  }

  /** Forgets all, as when one of them turns out not to be there. @returns whether there was any */
  forget(): boolean {
    const had = this.#touchedAt.size > 0
    this.#touchedAt.clear()
    return had
  }

  /** Call it once the transaction that touched them has committed. */
  touch(keys: readonly KeyIdentity[], now: number): void {
    if (this.#touchedAt.size > LIMIT) this.#touchedAt.clear()
    for (const { id } of this.findDue(keys, now)) this.#touchedAt.set(id, now)
  }
}
