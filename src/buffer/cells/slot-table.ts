import { binOfWord, packSlot, slotOfWord } from './slot-word.ts'

/** Words per block: the number of the cell's next block, then slots. Two blocks fit into one cache line. */
const WORDS = 8
const FIRST_BLOCKS = 64

/**
 * The slots of each cell, one per bin of durations that it has seen. Seven lie in the cell's own block, as many as most
 * cells have, so that a look-up reads one cache line; more of them are in a chain of further blocks. Why not an array per
 * cell: docs/decisions/request-path.md
 */
export class SlotTable {
  /** The own block of each cell, by its number. */
  #own = new Uint32Array(FIRST_BLOCKS * WORDS)
  /** Further blocks. The first is never used, because 0 means no block. */
  #further = new Uint32Array(FIRST_BLOCKS * WORDS)
  #furtherBlocks = 1
  #count = 0

  /** Slots given so far; they are numbered from 0. */
  get count(): number {
    return this.#count
  }

  /** @returns -1 when the cell has no slot for this bin */
  find(cell: number, bin: number): number {
    let words = this.#own
    let block = cell * WORDS
    for (;;) {
      for (let index = block + 1; index < block + WORDS; index++) {
        const word = words[index]
        // undefined is a cell that has no block yet
        if (!word) return -1
        if (binOfWord(word) === bin) return slotOfWord(word)
      }
      if (words[block] === 0) return -1
      block = words[block]! * WORDS
      words = this.#further
    }
  }

  /** Gives a cell its slot for a bin for which it has none yet. */
  add(cell: number, bin: number): number {
    if ((cell + 1) * WORDS > this.#own.length) this.#own = lengthen(this.#own, (cell + 1) * WORDS)
    const slot = this.#count++
    const word = packSlot(slot, bin)
    let words = this.#own
    let block = cell * WORDS
    while (!putIntoBlock(words, block, word)) {
      block = (words[block] || this.#addBlock(words, block)) * WORDS
      words = this.#further
    }
    return slot
  }

  /**
   * Reads the slots of a cell in the order of their bins: bin, slot, bin, slot …
   * @param into is overwritten, and as long as there is to read
   */
  read(cell: number, into: number[]): void {
    into.length = 0
    let words = this.#own
    for (let block = cell * WORDS; ; block = words[block]! * WORDS, words = this.#further) {
      for (let index = block + 1; index < block + WORDS && words[index]; index++) {
        insert(into, binOfWord(words[index]!), slotOfWord(words[index]!))
      }
      if (!words[block]) return
    }
  }

  /** Adds a block behind a full one; do not use `words` after it, it may have moved. @returns the new block */
  #addBlock(words: Uint32Array, block: number): number {
    const next = this.#furtherBlocks++
    words[block] = next
    if ((next + 1) * WORDS > this.#further.length) this.#further = lengthen(this.#further, 0)
    return next
  }

  /** Forgets every slot. */
  clear(): void {
    this.#own = new Uint32Array(FIRST_BLOCKS * WORDS)
    this.#further = new Uint32Array(FIRST_BLOCKS * WORDS)
    this.#furtherBlocks = 1
    this.#count = 0
  }
}

/** @returns false when the block is full */
function putIntoBlock(words: Uint32Array, block: number, word: number): boolean {
  for (let index = block + 1; index < block + WORDS; index++) {
    if (words[index] !== 0) continue
    words[index] = word
    return true
  }
  return false
}

function lengthen(words: Uint32Array, least: number): Uint32Array<ArrayBuffer> {
  const bytes = Math.max(words.length * 2, least) * Uint32Array.BYTES_PER_ELEMENT
  return new Uint32Array((words.buffer as ArrayBuffer).transfer(bytes))
}

/** Insertion sort: there are few bins, and they come nearly in order. */
function insert(pairs: number[], bin: number, slot: number): void {
  let index = pairs.length
  for (; index > 0 && pairs[index - 2]! > bin; index -= 2) {
    pairs[index] = pairs[index - 2]!
    pairs[index + 1] = pairs[index - 1]!
  }
  pairs[index] = bin
  pairs[index + 1] = slot
}
