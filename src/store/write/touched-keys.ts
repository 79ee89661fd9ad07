import type { KeyIdentity } from '../../model/key.ts'

/** Shortest time between two updates of a key's last use by one process. */
const TOUCH_INTERVAL_MS = 60_000

/** Far above `maxKeys`. Forgetting costs only one more update per key. */
const LIMIT = 100_000

/** When this process updated a key, and with which name and owner. */
type Touch = Pick<KeyIdentity, 'name' | 'owner'> & { readonly at: number }

/** Remembers which keys this process has updated in the database within the last minute. */
export class TouchedKeys {
  readonly #touches = new Map<string, Touch>()

  /** The keys whose last use should become `now`, or that have a new name or owner; same order. */
  findDue(keys: readonly KeyIdentity[], now: number): KeyIdentity[] {
    return keys.filter((key) => this.#isDue(key, now))
  }

  /** Forgets all keys, as when one of them was deleted. @returns whether there were any */
  forget(): boolean {
    const had = this.#touches.size > 0
    this.#touches.clear()
    return had
  }

  /** Call it after the transaction that updated them has committed. */
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
      // from a dead process: this process has given nothing for that earlier time
      now < known.at ||
      (name !== null && name !== known.name) ||
      (owner !== null && owner !== known.owner)
    )
  }
}
