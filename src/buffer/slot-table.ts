/** Cells and slots that a table has room for at first. */
const FIRST_ROOM = 64
/** Bits of a word that hold a bin; the others hold a slot. */
const BIN_BITS = 7
const BIN_MASK = 2 ** BIN_BITS - 1

/**
 * The slots of each cell, one per bin of durations that it has seen, linked in the order of bins. Typed arrays take 4
 * bytes per slot and 4 per cell; an object or a map would take ten times as much.
 */
export class SlotTable {
  /** Per cell: its first slot + 1, so that 0 is none. */
  #first = new Int32Array(FIRST_ROOM)
  /** Per slot: the next slot of its cell + 1, and its bin; in one word, because a search reads both. */
  #slots = new Uint32Array(FIRST_ROOM)
  #count = 0

  /** Slots given so far; they are numbered from 0. */
  get count(): number {
    return this.#count
  }

  /** @returns -1 when the cell has no slot for this bin */
  find(cell: number, bin: number): number {
    let slot = this.firstOf(cell)
    while (slot >= 0) {
      const word = this.#slots[slot]!
      const found = word & BIN_MASK
      if (found >= bin) return found === bin ? slot : -1
      slot = (word >>> BIN_BITS) - 1
    }
    return -1
  }

  /** Gives a cell its slot for a bin for which it has none yet. */
  add(cell: number, bin: number): number {
    this.#makeRoom(cell)
    const slot = this.#count++
    let before = -1
    let after = this.firstOf(cell)
    while (after >= 0 && this.binOf(after) < bin) {
      before = after
      after = this.nextOf(after)
    }
    this.#link(slot, after, bin)
    if (before < 0) this.#first[cell] = slot + 1
    else this.#link(before, slot, this.binOf(before))
    return slot
  }

  /** The slot of a cell's shortest durations; -1 when it has none. */
  firstOf(cell: number): number {
    return cell < this.#first.length ? this.#first[cell]! - 1 : -1
  }

  /** The slot of its cell's next longer durations; -1 after the last. */
  nextOf(slot: number): number {
    return (this.#slots[slot]! >>> BIN_BITS) - 1
  }

  binOf(slot: number): number {
    return this.#slots[slot]! & BIN_MASK
  }

  /** Forgets every slot. */
  clear(): void {
    this.#first = new Int32Array(FIRST_ROOM)
    this.#slots = new Uint32Array(FIRST_ROOM)
    this.#count = 0
  }

  #link(slot: number, next: number, bin: number): void {
    this.#slots[slot] = (next + 1) * 2 ** BIN_BITS + bin
  }

  /** Doubles what is full, with zeros. */
  #makeRoom(cell: number): void {
    const { length: cells } = this.#first
    if (cell >= cells)
      this.#first = new Int32Array(this.#first.buffer.transfer(Math.max(cells * 2, cell + 1) * 4))
    const { length: slots } = this.#slots
    if (this.#count >= slots) this.#slots = new Uint32Array(this.#slots.buffer.transfer(slots * 2 * 4))
  }
}
