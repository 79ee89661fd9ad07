/** Words per entry: key, endpoint, code, cell. Four entries share a line of the processor's cache. */
const WORDS = 4
const KEY = 0
const ENDPOINT = 1
const CODE = 2
const CELL = 3
const FIRST_ROOM = 1024

/**
 * A hash table of small numbers in one array: looking a cell up touches one or two lines of memory, where maps of maps
 * touch a dozen. Keys are numbered from 1, so that a key of 0 is room for an entry.
 */
export class CellTable {
  #words = new Int32Array(FIRST_ROOM * WORDS)
  #mask = FIRST_ROOM - 1
  #count = 0

  get size(): number {
    return this.#count
  }

  /** The cell of an entry; -1 when there is none. */
  find(key: number, endpoint: number, code: number): number {
    const words = this.#words
    const place = this.#search(key, endpoint, code)
    return words[place + KEY] === 0 ? -1 : words[place + CELL]!
  }

  /** Adds an entry that is not there yet. */
  add(key: number, endpoint: number, code: number, cell: number): void {
    if (this.#count * 2 > this.#mask) this.#grow()
    this.#count += 1
    this.#put(key, endpoint, code, cell)
  }

  /** Forgets every entry, and keeps the room for as many unless few of it was needed. */
  clear(): void {
    if (this.#count * 16 < this.#mask && this.#mask >= FIRST_ROOM) {
      this.#words = new Int32Array(FIRST_ROOM * WORDS)
      this.#mask = FIRST_ROOM - 1
    } else this.#words.fill(0)
    this.#count = 0
  }

  /** Every entry: key, endpoint. */
  *entries(): Generator<readonly [key: number, endpoint: number]> {
    const words = this.#words
    for (let place = 0; place < words.length; place += WORDS) {
      if (words[place + KEY] !== 0) yield [words[place + KEY]!, words[place + ENDPOINT]!]
    }
  }

  /** The place of an entry, or of the room for it. */
  #search(key: number, endpoint: number, code: number): number {
    const words = this.#words
    const mask = this.#mask
    for (let index = hash(key, endpoint, code) & mask; ; index = (index + 1) & mask) {
      const place = index * WORDS
      const found = words[place + KEY]
      if (found === 0) return place
      if (found === key && words[place + ENDPOINT] === endpoint && words[place + CODE] === code) return place
    }
  }

  #put(key: number, endpoint: number, code: number, cell: number): void {
    const place = this.#search(key, endpoint, code)
    this.#words[place + KEY] = key
    this.#words[place + ENDPOINT] = endpoint
    this.#words[place + CODE] = code
    this.#words[place + CELL] = cell
  }

  #grow(): void {
    const before = this.#words
    this.#words = new Int32Array(before.length * 2)
    this.#mask = this.#mask * 2 + 1
    for (let place = 0; place < before.length; place += WORDS) {
      if (before[place + KEY] === 0) continue
      this.#put(before[place + KEY]!, before[place + ENDPOINT]!, before[place + CODE]!, before[place + CELL]!)
    }
  }
}

/** Neighbouring numbers must not become neighbouring places, or searches grow long. */
function hash(key: number, endpoint: number, code: number): number {
  let mixed = Math.imul(key, 0x9e3779b1) ^ Math.imul(endpoint, 0x85ebca6b) ^ Math.imul(code, 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  return mixed ^ (mixed >>> 13)
}
