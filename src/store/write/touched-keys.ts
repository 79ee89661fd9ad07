import type { KeyIdentity } from '../../model/key.ts'

/** How often one process moves a key's time of last use at most. */
const TOUCH_INTERVAL_MS = 60_000

/** Far above `maxKeys`; forgetting only means to touch again. */
const LIMIT = 100_000

/** When this process touched a key, and what it said of it then. */
type Touch = Pick<KeyIdentity, 'name' | 'owner'> & { readonly at: number }

/** Remembers which keys this process has touched in the database within the last minute. */
export class TouchedKeys {
  readonly #touches = new Map<string, Touch>()

  /** Those whose time of last use should be moved to `now`, or of which there is something new to say; same order. */
  findDue(keys: readonly KeyIdentity[], now: number): KeyIdentity[] {
    return keys.filter((key) => this.#isDue(key, now))
  }

  /** Forgets all, as when one of them turns out not to be there. @returns whether there was any */
  forget(): boolean {
    const had = this.#touches.size > 0
    this.#touches.clear()
    return had
  }

  /** Call it once the transaction that touched them has committed. */
  touch(keys: readonly KeyIdentity[], now: number): void {
    if (this.#touches.size > LIMIT) this.#touches.clear()
    for (const key of keys) {
      const known = this.#touches.get(key.id)
      if (!this.#isDue(key, now) || (known && known.at > now)) continue
      this.#touches.set(key.id, { at: now, name: key.name, owner: key.owner })
    }
  }

  #isDue({ id, name, owner }: KeyIdentity, now: number): boolean {
    const known = this.#touches.get(id)
    return (
      known === undefined ||
      now - known.at >= TOUCH_INTERVAL_MS ||
      // left by a dead process: of an earlier time this one has said nothing
      now < known.at ||
      (name !== null && name !== known.name) ||
      (owner !== null && owner !== known.owner)
    )
  }
}
