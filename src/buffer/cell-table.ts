/** Words per entry: key, endpoint, code, cell, bucket. */
const WORDS = 5
const KEY = 0
const ENDPOINT = 1
const CODE = 2
const CELL = 3
const BUCKET = 4
const FIRST_ROOM = 1024

/**
 * A hash table of small numbers in one array: looking a cell up touches one or two lines of memory, where maps of maps
 * touch a dozen. Keys are numbered from 1, so that a key of 0 is room for an entry.
 */
export class CellTable {
  #words = new Int32Array(FIRST_ROOM * WORDS)
  #room = FIRST_ROOM
  #count = 0

  /** Where an entry is; -1 when there is none. Places change when entries are added. */
  find(key: number, endpoint: number, code: number): number {
    const place = this.#search(key, endpoint, code)
    return this.#words[place + KEY] === 0 ? -1 : place
  }

  /** Adds an entry that is not there yet. */
  add(key: number, endpoint: number, code: number, cell: number, bucket: number): void {
    if (this.#count * 2 >= this.#room) this.#grow()
    this.#count += 1
    this.#words.set([key, endpoint, code, cell, bucket], this.#search(key, endpoint, code))
  }

  cellAt(place: number): number {
    return this.#words[place + CELL]!
  }

  bucketAt(place: number): number {
    return this.#words[place + BUCKET]!
  }

  setBucket(place: number, bucket: number): void {
    this.#words[place + BUCKET] = bucket
  }

  /** The entries of one bucket: key, endpoint, code. */
  *entriesIn(bucket: number): Generator<readonly [key: number, endpoint: number, code: number]> {
    const words = this.#words
    for (let place = 0; place < words.length; place += WORDS) {
      if (words[place + KEY] === 0 || words[place + BUCKET] !== bucket) continue
      yield [words[place + KEY]!, words[place + ENDPOINT]!, words[place + CODE]!]
    }
  }

  /** The place of an entry, or of the room for it. */
  #search(key: number, endpoint: number, code: number): number {
    const words = this.#words
    let index = hash(key, endpoint, code) & (this.#room - 1)
    for (;;) {
      const place = index * WORDS
      const found = words[place + KEY]
      if (found === 0) return place
      if (found === key && words[place + ENDPOINT] === endpoint && words[place + CODE] === code) return place
      index = (index + 1) & (this.#room - 1)
    }
  }

  #grow(): void {
    const before = this.#words
    this.#room *= 2
    this.#words = new Int32Array(this.#room * WORDS)
    for (let place = 0; place < before.length; place += WORDS) {
      if (before[place + KEY] === 0) continue
      const entry = before.subarray(place, place + WORDS)
      this.#words.set(entry, this.#search(entry[KEY]!, entry[ENDPOINT]!, entry[CODE]!))
    }
  }
}

/** Neighbouring numbers must not become neighbouring places, or searches grow long. */
function hash(key: number, endpoint: number, code: number): number {
  let mixed = Math.imul(key, 0x9e3779b1) ^ Math.imul(endpoint, 0x85ebca6b) ^ Math.imul(code, 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  return mixed ^ (mixed >>> 13)
}
