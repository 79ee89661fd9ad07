/** Words of an entry: key, operation, status, cell, then notes. */
const KEY = 0
const OPERATION = 1
const STATUS = 2
const CELL = 3
const FIRST_NOTE = 4
const FIRST_ROOM = 1024

/**
 * A hash table of small numbers in one array: looking a cell up touches one or two lines of memory, where maps of maps
 * touch a dozen. No key has the number 0, so that a key of 0 is room for an entry. Entries have places, which hold
 * until one is added.
 */
export class CellTable {
  /** Words per entry: with four notes two entries share a line of the processor's cache, without any four. */
  readonly #width: number
  #words: Int32Array
  #mask = FIRST_ROOM - 1
  #count = 0

  /** `notes` per entry are 0 at first. */
  constructor(notes: 0 | 4) {
    this.#width = FIRST_NOTE + notes
    this.#words = new Int32Array(FIRST_ROOM * this.#width)
  }

  get size(): number {
    return this.#count
  }

  /** The place of an entry; -1 when there is none. */
  find(key: number, operation: number, status: number): number {
    const place = this.#search(key, operation, status)
    return this.#words[place + KEY] === 0 ? -1 : place
  }

  cellAt(place: number): number {
    return this.#words[place + CELL]!
  }

  noteAt(place: number, note: number): number {
    return this.#words[place + FIRST_NOTE + note]!
  }

  setNote(place: number, note: number, word: number): void {
    this.#words[place + FIRST_NOTE + note] = word
  }

  /** Adds an entry that is not there yet. @returns its place */
  add(key: number, operation: number, status: number, cell: number): number {
    if (this.#count * 2 > this.#mask) this.#grow()
    this.#count += 1
    const place = this.#search(key, operation, status)
    const words = this.#words
    words[place + KEY] = key
    words[place + OPERATION] = operation
    words[place + STATUS] = status
    words[place + CELL] = cell
    return place
  }

  /** Forgets every entry, and keeps the room for as many unless few of it was needed. */
  clear(): void {
    if (this.#count * 16 < this.#mask && this.#mask >= FIRST_ROOM) {
      this.#words = new Int32Array(FIRST_ROOM * this.#width)
      this.#mask = FIRST_ROOM - 1
    } else this.#words.fill(0)
    this.#count = 0
  }

  /** Every entry: key, operation. */
  *entries(): Generator<readonly [key: number, operation: number]> {
    const words = this.#words
    for (let place = 0; place < words.length; place += this.#width) {
      if (words[place + KEY] !== 0) yield [words[place + KEY]!, words[place + OPERATION]!]
    }
  }

  /** The place of an entry, or of the room for it. */
  #search(key: number, operation: number, status: number): number {
    const words = this.#words
    const mask = this.#mask
    const width = this.#width
    for (let index = hash(key, operation, status) & mask; ; index = (index + 1) & mask) {
      const place = index * width
      const found = words[place + KEY]
      if (found === 0) return place
      if (found === key && words[place + OPERATION] === operation && words[place + STATUS] === status)
        return place
    }
  }

  #grow(): void {
    const before = this.#words
    this.#words = new Int32Array(before.length * 2)
    this.#mask = this.#mask * 2 + 1
    for (let from = 0; from < before.length; from += this.#width) {
      if (before[from + KEY] === 0) continue
      const to = this.#search(before[from + KEY]!, before[from + OPERATION]!, before[from + STATUS]!)
      this.#words.set(before.subarray(from, from + this.#width), to)
    }
  }
}

/** Neighbouring numbers must not become neighbouring places, or searches grow long. */
function hash(key: number, operation: number, status: number): number {
  let mixed = Math.imul(key, 0x9e3779b1) ^ Math.imul(operation, 0x85ebca6b) ^ Math.imul(status, 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  return mixed ^ (mixed >>> 13)
}
