import { binOfWord, packSlot, slotOfWord } from './slot-word.ts'

/** Words per block: where the cell's next block is, then its slots. Two blocks share a line of the processor's cache. */
const WORDS = 8
const FIRST_BLOCKS = 64

/**
 * The slots of each cell, one per bin of durations that it has seen. Seven lie in the cell's own block, as many as most
 * cells have, so that a look-up reads one place in memory; more of them in a chain of further blocks.
 */
export class SlotTable {
  /** The own block of each cell, by its number. */
  #own = new Uint32Array(FIRST_BLOCKS * WORDS)
  /** Further blocks; the first belongs to nobody, for 0 is no block. */
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
      for (let place = block + 1; place < block + WORDS; place++) {
        const word = words[place]
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
      for (let place = block + 1; place < block + WORDS && words[place]; place++) {
        insert(into, binOfWord(words[place]!), slotOfWord(words[place]!))
      }
      if (!words[block]) return
    }
  }

  /** Chains one more block to a full one; `words` may be of no use after it. @returns the new block */
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
  for (let place = block + 1; place < block + WORDS; place++) {
    if (words[place] !== 0) continue
    words[place] = word
    return true
  }
  return false
}

function lengthen(words: Uint32Array, least: number): Uint32Array<ArrayBuffer> {
  const bytes = Math.max(words.length * 2, least) * Uint32Array.BYTES_PER_ELEMENT
  return new Uint32Array((words.buffer as ArrayBuffer).transfer(bytes))
}

/** Bins come nearly in order, and few: moving the larger ones is the quickest way to sort them. */
function insert(pairs: number[], bin: number, slot: number): void {
  let place = pairs.length
  for (; place > 0 && pairs[place - 2]! > bin; place -= 2) {
    pairs[place] = pairs[place - 2]!
    pairs[place + 1] = pairs[place - 1]!
  }
  pairs[place] = bin
  pairs[place + 1] = slot
}
