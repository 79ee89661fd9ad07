/** Cells and slots that a table has room for at first. */
const FIRST_ROOM = 64

/**
 * The slots of each cell, one per bin of durations that it has seen, linked in the order of bins. Typed arrays take 5
 * bytes per slot and 4 per cell; an object or a map would take ten times as much.
 */
export class SlotTable {
  /** Per cell: its first slot + 1, so that 0 is none. */
  #first = new Int32Array(FIRST_ROOM)
  /** Per slot: the next slot of its cell + 1. */
  #next = new Int32Array(FIRST_ROOM)
  /** Per slot. */
  #bins = new Uint8Array(FIRST_ROOM)
  #count = 0

  /** Slots given so far; they are numbered from 0. */
  get count(): number {
    return this.#count
  }

  /** @returns -1 when the cell has no slot for this bin */
  find(cell: number, bin: number): number {
    let slot = this.firstOf(cell)
    while (slot >= 0 && this.#bins[slot]! < bin) slot = this.#next[slot]! - 1
    return slot >= 0 && this.#bins[slot] === bin ? slot : -1
  }

  /** Gives a cell its slot for a bin for which it has none yet. */
  add(cell: number, bin: number): number {
    this.#makeRoom(cell)
    const slot = this.#count++
    let before = -1
    let after = this.firstOf(cell)
    while (after >= 0 && this.#bins[after]! < bin) {
      before = after
      after = this.nextOf(after)
    }
    this.#bins[slot] = bin
    this.#next[slot] = after + 1
    if (before < 0) this.#first[cell] = slot + 1
    else this.#next[before] = slot + 1
    return slot
  }

  /** The slot of a cell's shortest durations; -1 when it has none. */
  firstOf(cell: number): number {
    return cell < this.#first.length ? this.#first[cell]! - 1 : -1
  }

  /** The slot of its cell's next longer durations; -1 after the last. */
  nextOf(slot: number): number {
    return this.#next[slot]! - 1
  }

  binOf(slot: number): number {
    return this.#bins[slot]!
  }

  /** Forgets every slot. */
  clear(): void {
    this.#first = new Int32Array(FIRST_ROOM)
    this.#next = new Int32Array(FIRST_ROOM)
    this.#bins = new Uint8Array(FIRST_ROOM)
    this.#count = 0
  }

  /** Doubles what is full, with zeros. */
  #makeRoom(cell: number): void {
    const { length: cells } = this.#first
    if (cell >= cells)
      this.#first = new Int32Array(this.#first.buffer.transfer(Math.max(cells * 2, cell + 1) * 4))
    const { length: slots } = this.#bins
    if (this.#count < slots) return
    this.#next = new Int32Array(this.#next.buffer.transfer(slots * 2 * 4))
    this.#bins = new Uint8Array(this.#bins.buffer.transfer(slots * 2))
  }
}
