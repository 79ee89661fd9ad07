const KEY = 0
const OPERATION = 1
const STATUS = 2
/** int32 words of a cell. */
const WORDS = 3
const FIRST_CELLS = 64

/** The cells of a file by their numbers, which go from 0: for each the numbers of its key and operation, and its status. */
export class CellList {
  #words = new Int32Array(FIRST_CELLS * WORDS)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** @returns the number of the cell */
  add(key: number, operation: number, status: number): number {
    const cell = this.#length++
    if (this.#length * WORDS > this.#words.length) this.#lengthen()
    this.#words[cell * WORDS + KEY] = key
    this.#words[cell * WORDS + OPERATION] = operation
    this.#words[cell * WORDS + STATUS] = status
    return cell
  }

  keyAt(cell: number): number {
    return this.#words[cell * WORDS + KEY]!
  }

  operationAt(cell: number): number {
    return this.#words[cell * WORDS + OPERATION]!
  }

  statusAt(cell: number): number {
    return this.#words[cell * WORDS + STATUS]!
  }

  /** Forgets every cell. */
  clear(): void {
    this.#words = new Int32Array(FIRST_CELLS * WORDS)
    this.#length = 0
  }

  #lengthen(): void {
    this.#words = new Int32Array(this.#words.buffer.transfer(this.#words.byteLength * 2))
  }
}
