/** Cells and words that a table has room for at first. */
const FIRST_ROOM = 64
/** Bits of a word that hold a bin; the others hold a slot. */
const BIN_BITS = 7
const BIN_MASK = 2 ** BIN_BITS - 1
/** Words of the smallest block: its length and three slots. */
const SMALLEST_BLOCK = 4

/**
 * The slots of each cell, one per bin of durations that it has seen, side by side in the order of bins: a look-up
 * reads two places in memory, however many bins there are. Typed arrays take some 10 bytes per slot; an object or a
 * map would take five times as much.
 */
export class SlotTable {
  /** Per cell: the place of its block; 0 is none, for the first word belongs to nobody. */
  #blocks = new Int32Array(FIRST_ROOM)
  /** Blocks of 4, 8, 16 … words: how many slots there are, then per slot its number and its bin in one word. */
  #words = new Uint32Array(FIRST_ROOM)
  #used = 1
  /** Blocks that their cells have outgrown, by size. */
  readonly #free = new Map<number, number[]>()
  #count = 0

  /** Slots given so far; they are numbered from 0. */
  get count(): number {
    return this.#count
  }

  /** @returns -1 when the cell has no slot for this bin */
  find(cell: number, bin: number): number {
    const end = this.endOf(cell)
    for (let place = this.beginOf(cell); place < end; place++) {
      const word = this.#words[place]!
      if ((word & BIN_MASK) === bin) return word >>> BIN_BITS
    }
    return -1
  }

  /** Gives a cell its slot for a bin for which it has none yet. */
  add(cell: number, bin: number): number {
    this.#makeRoom(cell)
    const slot = this.#count++
    const begin = this.beginOf(cell)
    let place = this.endOf(cell)
    for (; place > begin && this.binAt(place - 1) > bin; place--) {
      this.#words[place] = this.#words[place - 1]!
    }
    this.#words[place] = slot * 2 ** BIN_BITS + bin
    this.#words[begin - 1]! += 1
    return slot
  }

  /** The place of a cell's shortest durations. */
  beginOf(cell: number): number {
    return (this.#blocks[cell] ?? 0) + 1
  }

  /** The place after that of its longest durations. */
  endOf(cell: number): number {
    const block = this.#blocks[cell] ?? 0
    return block === 0 ? 1 : block + 1 + this.#words[block]!
  }

  slotAt(place: number): number {
    return this.#words[place]! >>> BIN_BITS
  }

  binAt(place: number): number {
    return this.#words[place]! & BIN_MASK
  }

  /** Forgets every slot. */
  clear(): void {
    this.#blocks = new Int32Array(FIRST_ROOM)
    this.#words = new Uint32Array(FIRST_ROOM)
    this.#used = 1
    this.#free.clear()
    this.#count = 0
  }

  /** Makes room for one more slot of a cell: in a block of twice the size when its own is full. */
  #makeRoom(cell: number): void {
    const { length } = this.#blocks
    if (cell >= length) {
      this.#blocks = new Int32Array(this.#blocks.buffer.transfer(Math.max(length * 2, cell + 1) * 4))
    }
    const block = this.#blocks[cell]!
    if (block === 0) {
      this.#blocks[cell] = this.#takeBlock(SMALLEST_BLOCK)
      return
    }
    const words = this.#words[block]! + 1
    // the sizes are powers of two, and only a full block has as many words as its size
    if (words < SMALLEST_BLOCK || (words & (words - 1)) !== 0) return
    const larger = this.#takeBlock(words * 2)
    this.#words.copyWithin(larger, block, block + words)
    this.#blocks[cell] = larger
    this.#words[block] = 0
    const free = this.#free.get(words)
    if (free) free.push(block)
    else this.#free.set(words, [block])
  }

  /** A block that holds no slots. */
  #takeBlock(size: number): number {
    const free = this.#free.get(size)?.pop()
    if (free !== undefined) return free
    const { length } = this.#words
    if (this.#used + size > length) this.#words = new Uint32Array(this.#words.buffer.transfer(length * 8))
    const block = this.#used
    this.#used += size
    return block
  }
}
