import { binOf } from '../../model/duration-bins.ts'
import { toCountedKey, toCountedOperation } from '../../model/request-counter.ts'
import { isReservedKey, OTHER_KEY } from '../../model/key.ts'
import { OTHER_ENDPOINT, UNMATCHED_ENDPOINT } from '../../model/operation.ts'
import type { CountedKey, CountedOperation } from '../../model/request-counter.ts'
import { CellTable, NO_CELL } from './cell-table.ts'
import type { NamesRegion } from '../file/names-region.ts'
import { binOfWord, NO_SLOT, packSlot, slotOfWord } from './slot-word.ts'

/** In place of a status where it does not matter. */
const ANY = 0
/**
 * Slots of a cell that an entry notes, one per remainder of bin / 4, so that four neighbouring bins can all be noted.
 */
const NOTED_SLOTS = 4

export interface CellLimits {
  readonly maxKeys: number
  readonly maxEndpointsPerKey: number
}

/**
 * Process-wide: no two indexes share an epoch, so a number that one index left in a handle is never valid in another.
 * An index takes a new epoch for each file and each bucket.
 */
let lastEpoch = 0

/**
 * Finds the cells and slots of a file, and keeps the limits per bucket: past them cells become `(other)`. Keys are
 * admitted when they are entered. An endpoint of a key is admitted when it is new to the file, otherwise with its cell.
 */
export class CellIndex {
  readonly #limits: CellLimits
  readonly #other = toCountedKey(OTHER_KEY)
  /** By method. */
  readonly #otherEndpoints = new Map<string, CountedOperation>()
  /** Numbers by name. */
  #keys = new Map<string, number>()
  #endpoints = new Map<string, number>()
  #operations = new Map<string, number>()
  #lastNumber = 0
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
  #epoch = 0

  constructor(limits: CellLimits) {
    this.#limits = limits
  }

  /** Numbers in handles are valid in this epoch only. A key or operation without a valid number must be entered. */
  get epoch(): number {
    return this.#epoch
  }

  /** Begins a bucket: the limits start again. */
  enterBucket(start: number): void {
    if (start === this.#bucketStart) return
    this.#bucketStart = start
    this.#keysInBucket = 0
    this.#current.clear()
    this.#admitted.clear()
    this.#endpointsOf.clear()
    this.#epoch = ++lastEpoch
  }

  /**
   * Begins a new file: every name and cell must be added again, and what this bucket did not use is forgotten.
   * @returns how many cells this bucket used
   */
  enterFile(): number {
    const used = this.#current.size
    const endpoints = new Set(this.#admitted.operations())
    this.#keys = keep(this.#keys, (key) => this.#endpointsOf.has(key))
    this.#endpoints = keep(this.#endpoints, (endpoint) => endpoints.has(endpoint))
    this.#operations = new Map()
    this.#known = new CellTable(0)
    this.#current.clear()
    this.#epoch = ++lastEpoch
    return used
  }

  /**
   * Gives a key a number and writes its name to the file. @returns its number, or that of `(other)` past the limit; 0
   * when the file is full
   */
  enterKey({ identity, handle }: CountedKey, names: NamesRegion): number {
    const number = this.#admitKey(identity.id)
    if (number === undefined) return this.enterKey(this.#other, names)
    if (!names.addKey(number, identity)) return 0
    handle.assign(this.#epoch, number)
    return number
  }

  /**
   * Gives an operation a number and writes its name to the file.
   * @param key number of the key
   * @returns its number, or that of `(other)` when it is new and the key is past its limit; 0 when the file is full
   */
  enterOperation(operation: CountedOperation, key: number, names: NamesRegion): number {
    const { method, endpoint } = operation
    const name = `${method} ${endpoint}`
    // another key may have entered it: the limit of this key is checked when its cell is entered
    const known = this.#operations.get(name)
    if (known === undefined && !this.#admitEndpoint(key, endpoint)) {
      return this.enterOperation(this.#otherEndpoint(method), key, names)
    }
    const number = known ?? this.#numberOf(this.#operations, name)
    if (!names.addOperation(number, operation)) return 0
    operation.handle.assign(this.#epoch, number)
    return number
  }

  /**
   * The slot for a request of a key and an operation that were entered.
   * @param durationUs whole microseconds, or `UNMEASURED_US`
   * @returns -1 when it needs one and the file is full
   */
  findSlot(key: number, operation: number, status: number, durationUs: number, names: NamesRegion): number {
    const bin = binOf(durationUs)
    const entry = this.#current.find(key, operation, status)
    if (entry >= 0) {
      const word = this.#current.noteAt(entry, bin % NOTED_SLOTS)
      if (word !== NO_SLOT && binOfWord(word) === bin) return slotOfWord(word)
    }
    return this.#enterSlot(key, operation, status, bin, names)
  }

  /** The slot for quantities of a unit, by its place, of the same cell. @returns -1 when the file is full */
  findUnitSlot(key: number, operation: number, status: number, unit: number, names: NamesRegion): number {
    const entry = this.#enterCell(key, operation, status, names)
    return entry < 0 ? -1 : names.findOrAddUnitSlot(this.#current.cellAt(entry), unit)
  }

  #enterSlot(key: number, operation: number, status: number, bin: number, names: NamesRegion): number {
    const entry = this.#enterCell(key, operation, status, names)
    const slot = entry < 0 ? -1 : names.findOrAddSlot(this.#current.cellAt(entry), bin)
    if (slot >= 0) this.#current.setNote(entry, bin % NOTED_SLOTS, packSlot(slot, bin))
    return slot
  }

  /** @returns where the cell is in `#current`; -1 when the file is full */
  #enterCell(key: number, operation: number, status: number, names: NamesRegion): number {
    const current = this.#current.find(key, operation, status)
    if (current >= 0) return current
    const { method, endpoint } = names.operations.get(operation)!
    if (!this.#admitEndpoint(key, endpoint)) {
      const other = this.#numberOf(this.#operations, `${method} ${OTHER_ENDPOINT}`)
      return names.addOperation(other, this.#otherEndpoint(method))
        ? this.#enterCell(key, other, status, names)
        : -1
    }
    const known = this.#known.find(key, operation, status)
    const cell = known >= 0 ? this.#known.cellAt(known) : names.addCell(key, operation, status)
    if (cell < 0) return -1
    if (known < 0) this.#known.add(key, operation, status, cell)
    return this.#current.add(key, operation, status, cell)
  }

  /** @returns the number of the key; undefined past the limit */
  #admitKey(id: string): number | undefined {
    const known = this.#keys.get(id)
    if (known !== undefined && this.#endpointsOf.has(known)) return known
    if (!isReservedKey(id) && this.#keysInBucket >= this.#limits.maxKeys) return undefined
    if (!isReservedKey(id)) this.#keysInBucket += 1
    const number = known ?? this.#numberOf(this.#keys, id)
    this.#endpointsOf.set(number, 0)
    return number
  }

  /** @returns false past the limit of its key */
  #admitEndpoint(key: number, endpoint: string): boolean {
    const known = this.#endpoints.get(endpoint)
    if (known !== undefined && this.#admitted.find(key, known, ANY) >= 0) return true
    const used = this.#endpointsOf.get(key)!
    if (!isShared(endpoint) && used >= this.#limits.maxEndpointsPerKey) return false
    this.#admitted.add(key, known ?? this.#numberOf(this.#endpoints, endpoint), ANY, NO_CELL)
    if (!isShared(endpoint)) this.#endpointsOf.set(key, used + 1)
    return true
  }

  #otherEndpoint(method: string): CountedOperation {
    const operation = this.#otherEndpoints.get(method) ?? toCountedOperation(method, OTHER_ENDPOINT)
    this.#otherEndpoints.set(method, operation)
    return operation
  }

  #numberOf(numbers: Map<string, number>, name: string): number {
    const known = numbers.get(name)
    if (known !== undefined) return known
    // a 32-bit number, never 0
    this.#lastNumber = (this.#lastNumber + 1) | 0 || 1
    numbers.set(name, this.#lastNumber)
    return this.#lastNumber
  }
}

function keep(
  numbers: ReadonlyMap<string, number>,
  isKept: (number: number) => boolean,
): Map<string, number> {
  return new Map([...numbers].filter(([, number]) => isKept(number)))
}

const isShared = (endpoint: string): boolean => endpoint === OTHER_ENDPOINT || endpoint === UNMATCHED_ENDPOINT
