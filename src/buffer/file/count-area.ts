import { isCount } from '../../model/is-count.ts'
import { areaOffset, SLOT_BYTES, type FileIdentity } from './counter-layout.ts'
import type { CounterMemory } from './counter-memory.ts'
import { faultPoint } from '../../model/fault-point.ts'

/** The counts of one batch: per slot requests, and microseconds or a quantity. `used` is how many slots of the file have a name. */
export class CountArea {
  readonly counts: Float64Array
  readonly #memory: CounterMemory
  readonly #offset: number

  constructor(memory: CounterMemory, identity: FileIdentity, area: 0 | 1) {
    this.#memory = memory
    this.#offset = areaOffset(identity, area)
    this.counts = new Float64Array(memory.buffer, this.#offset, identity.slots * 2)
  }

  /** Adds one request to a slot: two stores when mapped. `durationUs`: whole microseconds, or `UNMEASURED_US`. */
  add(slot: number, durationUs: number): void {
    const index = slot * 2
    // The duration first, so that a crash between the two stores leaves no request without its time.
    this.counts[index + 1]! += Math.max(0, durationUs)
    faultPoint('request timed')
    this.counts[index]! += 1
    this.#memory.persist(this.#offset + slot * SLOT_BYTES, SLOT_BYTES)
  }

  /** Adds to the quantity in the slot of a unit. `requests`: 1 for the first quantity of a request, else 0. */
  addQuantity(slot: number, quantity: number, requests: 0 | 1): void {
    const index = slot * 2
    this.counts[index + 1]! += quantity
    this.counts[index]! += requests
    this.#memory.persist(this.#offset + slot * SLOT_BYTES, SLOT_BYTES)
    faultPoint('quantity added')
  }

  /** `unitSlots`: the slots that count no requests of their own. */
  sumRequests(used: number, unitSlots: readonly (readonly number[])[]): number {
    let sum = 0
    for (let index = 0; index < used * 2; index += 2) sum += this.counts[index]!
    for (const slots of unitSlots) for (const slot of slots) sum -= this.counts[slot * 2]!
    return sum
  }

  /** The quantities in the slots of one unit. */
  sumQuantities(slots: readonly number[]): number {
    let sum = 0
    for (const slot of slots) sum += this.counts[slot * 2 + 1]!
    return sum
  }

  /** Whether a process can have written these counts. */
  isSound(used: number): boolean {
    return this.counts.every((count, index) => (index < used * 2 ? isCount(count) : count === 0))
  }

  /** Sets damaged counts to 0, in a copy in memory. @returns true when there were any */
  clearDamage(used: number): boolean {
    if (this.isSound(used)) return false
    for (let index = 0; index < this.counts.length; index += 1) {
      if (index >= used * 2 || !isCount(this.counts[index])) this.counts[index] = 0
    }
    return true
  }

  clear(used: number): void {
    this.counts.fill(0, 0, used * 2)
    this.#memory.persist(this.#offset, used * SLOT_BYTES)
  }
}
