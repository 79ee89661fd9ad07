import { toCountedKey, toCountedOperation } from '../request-counter.ts'
import { isReservedKey, OTHER_ENDPOINT, OTHER_KEY, UNMATCHED_ENDPOINT } from '../usage.ts'
import type { CountedKey, CountedOperation } from '../request-counter.ts'
import { CellTable } from './cell-table.ts'
import type { CellName } from './name-records.ts'
import { binOfWord, packSlot, slotOfWord } from './slot-word.ts'

/** Stands for whatever status. */
const ANY = 0
const NO_CELL = 0
/** Slots of a cell that are noted: of one of every four bins, so that neighbours are noted side by side. */
const NOTED_SLOTS = 4

export interface CellLimits {
  readonly maxKeys: number
  readonly maxEndpointsPerKey: number
}

/**
 * Keys, operations and endpoints are numbered over all files of all indexes: what one index noted on a key means
 * nothing to another, or to itself with its next file.
 */
let lastNumber = 0

/** Finds the cells and slots of a file, and keeps the limits per bucket: past them cells become `(other)`. */
export class CellIndex {
  readonly #limits: CellLimits
  readonly #other = toCountedKey(OTHER_KEY)
  /** By method. */
  readonly #otherEndpoints = new Map<string, CountedOperation>()
  #keys = new Map<string, number>()
  #endpoints = new Map<string, number>()
  #operations = new Map<string, number>()
  /** Every cell of the file. */
  #known = new CellTable(0)
  /** The cells that this bucket has used, for which the limits need not be asked again, with notes of their slots. */
  readonly #current = new CellTable(NOTED_SLOTS)
  /** The endpoints of each key that this bucket has used. */
  readonly #admitted = new CellTable(0)
  /** How many endpoints of a key, by its number, this bucket has used. */
  readonly #endpointsOf = new Map<number, number>()
  #bucketStart = NaN
  #keysInBucket = 0

  constructor(limits: CellLimits) {
    this.#limits = limits
  }

  /** Begins a bucket: the limits start anew. */
  enterBucket(start: number): void {
    if (start === this.#bucketStart) return
    this.#bucketStart = start
    this.#keysInBucket = 0
    this.#current.clear()
    this.#admitted.clear()
    this.#endpointsOf.clear()
  }

  /**
   * Begins a new file: every cell is to be added again, and what this bucket has not used is forgotten.
   * @returns how many cells this bucket used
   */
  enterFile(): number {
    const used = this.#current.size
    const [ids, endpoints] = [namesOf(this.#keys), namesOf(this.#endpoints)]
    const admitted = [...this.#admitted.entries()]
    this.#keys = new Map()
    this.#endpoints = new Map()
    this.#operations = new Map()
    this.#known = new CellTable(0)
    this.#current.clear()
    this.#admitted.clear()
    this.#endpointsOf.clear()
    for (const [key, endpoint] of admitted) {
      this.#enterEndpoint(this.#enterKey(ids.get(key)!), endpoints.get(endpoint)!)
    }
    return used
  }

  /** The slot of a cell and bin that was noted: what nearly every request asks for. @returns -1 without a note */
  findSlot(key: CountedKey, operation: CountedOperation, status: number, bin: number): number {
    const place = this.#current.find(key.number, operation.number, status)
    if (place < 0) return -1
    const word = this.#current.noteAt(place, bin % NOTED_SLOTS)
    return binOfWord(word) === bin ? slotOfWord(word) : -1
  }

  /**
   * The place of a cell, which holds until the next one is entered; `add` gives a new cell its number.
   * @returns -1 when `add` gave nothing: the file is full
   */
  enterCell(
    key: CountedKey,
    operation: CountedOperation,
    status: number,
    add: (cell: CellName) => number | undefined,
  ): number {
    const noted = this.#current.find(key.number, operation.number, status)
    return noted >= 0 ? noted : this.#admitCell(key, operation, status, add)
  }

  /** The number of the cell at a place. */
  cellAt(place: number): number {
    return this.#current.cellAt(place)
  }

  noteSlot(place: number, bin: number, slot: number): void {
    this.#current.setNote(place, bin % NOTED_SLOTS, packSlot(slot, bin))
  }

  /** What happens to a cell once per bucket. */
  #admitCell(
    key: CountedKey,
    operation: CountedOperation,
    status: number,
    add: (cell: CellName) => number | undefined,
  ): number {
    const { method, endpoint } = operation
    const keyNumber = this.#admitKey(key.identity.id)
    if (keyNumber === undefined) return this.enterCell(this.#other, operation, status, add)
    if (!this.#admitEndpoint(keyNumber, endpoint)) {
      return this.enterCell(key, this.#otherEndpoint(method), status, add)
    }
    key.number = keyNumber
    operation.number = numberOf(this.#operations, `${method} ${endpoint}`)
    const current = this.#current.find(keyNumber, operation.number, status)
    if (current >= 0) return current
    const known = this.#known.find(keyNumber, operation.number, status)
    const cell = known >= 0 ? this.#known.cellAt(known) : add({ key: key.identity, method, endpoint, status })
    if (cell === undefined) return -1
    if (known < 0) this.#known.add(keyNumber, operation.number, status, cell)
    return this.#current.add(keyNumber, operation.number, status, cell)
  }

  /** @returns the number of the key; undefined past the limit */
  #admitKey(id: string): number | undefined {
    const known = this.#keys.get(id)
    if (known !== undefined && this.#endpointsOf.has(known)) return known
    if (!isReservedKey(id) && this.#keysInBucket >= this.#limits.maxKeys) return undefined
    if (!isReservedKey(id)) this.#keysInBucket += 1
    return this.#enterKey(id)
  }

  #enterKey(id: string): number {
    const number = numberOf(this.#keys, id)
    if (!this.#endpointsOf.has(number)) this.#endpointsOf.set(number, 0)
    return number
  }

  /** @returns false past the limit of its key */
  #admitEndpoint(key: number, endpoint: string): boolean {
    const known = this.#endpoints.get(endpoint)
    if (known !== undefined && this.#admitted.find(key, known, ANY) >= 0) return true
    if (!isShared(endpoint) && this.#endpointsOf.get(key)! >= this.#limits.maxEndpointsPerKey) return false
    this.#enterEndpoint(key, endpoint)
    return true
  }

  #enterEndpoint(key: number, endpoint: string): void {
    this.#admitted.add(key, numberOf(this.#endpoints, endpoint), ANY, NO_CELL)
    if (!isShared(endpoint)) this.#endpointsOf.set(key, this.#endpointsOf.get(key)! + 1)
  }

  #otherEndpoint(method: string): CountedOperation {
    const operation = this.#otherEndpoints.get(method) ?? toCountedOperation(method, OTHER_ENDPOINT)
    this.#otherEndpoints.set(method, operation)
    return operation
  }
}

function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name)
  if (known !== undefined) return known
  // in 32 bits, and never 0
  lastNumber = (lastNumber + 1) | 0 || 1
  numbers.set(name, lastNumber)
  return lastNumber
}

function namesOf(numbers: ReadonlyMap<string, number>): Map<number, string> {
  return new Map(Array.from(numbers, ([name, number]) => [number, name]))
}

const isShared = (endpoint: string): boolean => endpoint === OTHER_ENDPOINT || endpoint === UNMATCHED_ENDPOINT
