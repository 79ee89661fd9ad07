/** Words of an entry: key, operation, status, cell, then notes. */
const KEY = 0
const OPERATION = 1
const STATUS = 2
const CELL = 3
const FIRST_NOTE = 4
const FIRST_ROOM = 1024
/** The cell of an entry where only its presence matters. */
export const NO_CELL = 0

/**
 * A hash table of small numbers in one array. Finding a cell touches one or two cache lines; maps of maps touch a
 * dozen. No key has the number 0, so a key of 0 marks a free entry. Results of `find` and `add` stay valid until the
 * next `add`.
 */
export class CellTable {
  /** Words per entry. With four notes two entries share a cache line, without notes four do. */
  readonly #width: number
  #words: Int32Array
  #mask = FIRST_ROOM - 1
  /** Keeps the upper bits of a hash, as many as the mask has, because they depend on all bits of the input. */
  #shift = Math.clz32(FIRST_ROOM - 1)
  #count = 0

  /** `notes` per entry are 0 at first. */
  constructor(notes: 0 | 4) {
    this.#width = FIRST_NOTE + notes
    this.#words = new Int32Array(FIRST_ROOM * this.#width)
  }

  get size(): number {
    return this.#count
  }

  /** Where an entry begins; -1 when there is none. */
  find(key: number, operation: number, status: number): number {
    const words = this.#words
    const mask = this.#mask
    for (let index = hash(key, operation, status) >>> this.#shift; ; index = (index + 1) & mask) {
      const entry = index * this.#width
      const found = words[entry + KEY]
      if (found === 0) return -1
      if (found === key && words[entry + OPERATION] === operation && words[entry + STATUS] === status)
        return entry
    }
  }

  cellAt(entry: number): number {
    return this.#words[entry + CELL]!
  }

  noteAt(entry: number, note: number): number {
    return this.#words[entry + FIRST_NOTE + note]!
  }

  setNote(entry: number, note: number, word: number): void {
    this.#words[entry + FIRST_NOTE + note] = word
  }

  /** Adds an entry that is not there yet. @returns where it begins */
  add(key: number, operation: number, status: number, cell: number): number {
    if (this.#count * 2 > this.#mask) this.#grow()
    this.#count += 1
    const entry = this.#findRoom(key, operation, status)
    const words = this.#words
    words[entry + KEY] = key
    words[entry + OPERATION] = operation
    words[entry + STATUS] = status
    words[entry + CELL] = cell
    return entry
  }

  /** Forgets every entry. Keeps the array, unless little of it was used. */
  clear(): void {
    if (this.#count * 16 < this.#mask && this.#mask >= FIRST_ROOM) this.#makeRoom(FIRST_ROOM)
    else this.#words.fill(0)
    this.#count = 0
  }

  /** The operation of every entry. */
  *operations(): Generator<number> {
    const words = this.#words
    for (let entry = 0; entry < words.length; entry += this.#width) {
      if (words[entry + KEY] !== 0) yield words[entry + OPERATION]!
    }
  }

  /** The position for an entry that is not there yet. */
  #findRoom(key: number, operation: number, status: number): number {
    const mask = this.#mask
    let index = hash(key, operation, status) >>> this.#shift
    while (this.#words[index * this.#width + KEY] !== 0) index = (index + 1) & mask
    return index * this.#width
  }

  #grow(): void {
    const before = this.#words
    this.#makeRoom((this.#mask + 1) * 2)
    for (let from = 0; from < before.length; from += this.#width) {
      if (before[from + KEY] === 0) continue
      const to = this.#findRoom(before[from + KEY]!, before[from + OPERATION]!, before[from + STATUS]!)
      for (let word = 0; word < this.#width; word += 1) this.#words[to + word] = before[from + word]!
    }
  }

  /** The array size for a number of entries, a power of two. */
  #makeRoom(entries: number): void {
    this.#words = new Int32Array(entries * this.#width)
    this.#mask = entries - 1
    this.#shift = Math.clz32(entries - 1)
  }
}

/** Neighbouring numbers must not get neighbouring entries: searches would become long. */
function hash(key: number, operation: number, status: number): number {
  const mixed = Math.imul(Math.imul(key, 0x9e3779b1) ^ operation, 0x85ebca6b)
  return Math.imul(mixed ^ status, 0xc2b2ae35)
}
