/** Words of an entry: key, operation, status, cell, then notes. */
const KEY = 0
const OPERATION = 1
const STATUS = 2
const CELL = 3
const FIRST_NOTE = 4
const FIRST_ROOM = 1024
/** Of an entry that only says that it is there. */
export const NO_CELL = 0

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
  /** Leaves as many bits of a hash as there are in the mask, the upper ones: they are mixed best. */
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

  /** The place of an entry; -1 when there is none. */
  find(key: number, operation: number, status: number): number {
    const words = this.#words
    const mask = this.#mask
    for (let index = hash(key, operation, status) >>> this.#shift; ; index = (index + 1) & mask) {
      const place = index * this.#width
      const found = words[place + KEY]
      if (found === 0) return -1
      if (found === key && words[place + OPERATION] === operation && words[place + STATUS] === status)
        return place
    }
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
    const place = this.#findRoom(key, operation, status)
    const words = this.#words
    words[place + KEY] = key
    words[place + OPERATION] = operation
    words[place + STATUS] = status
    words[place + CELL] = cell
    return place
  }

  /** Forgets every entry, and keeps the room for as many unless few of it was needed. */
  clear(): void {
    if (this.#count * 16 < this.#mask && this.#mask >= FIRST_ROOM) this.#makeRoom(FIRST_ROOM)
    else this.#words.fill(0)
    this.#count = 0
  }

  /** The operation of every entry. */
  *operations(): Generator<number> {
    const words = this.#words
    for (let place = 0; place < words.length; place += this.#width) {
      if (words[place + KEY] !== 0) yield words[place + OPERATION]!
    }
  }

  /** The place for an entry that is not there yet. */
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

  /** Room for so many entries, a power of two. */
  #makeRoom(entries: number): void {
    this.#words = new Int32Array(entries * this.#width)
    this.#mask = entries - 1
    this.#shift = Math.clz32(entries - 1)
  }
}

/** Neighbouring numbers must not become neighbouring places, or searches grow long. */
function hash(key: number, operation: number, status: number): number {
  const mixed = Math.imul(Math.imul(key, 0x9e3779b1) ^ operation, 0x85ebca6b)
  return Math.imul(mixed ^ status, 0xc2b2ae35)
}
