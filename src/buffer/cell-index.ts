import { OTHER_ENDPOINT, OTHER_KEY, REJECTED_KEY, UNMATCHED_ENDPOINT, type KeyIdentity } from '../usage.ts'
import type { CellName } from './name-records.ts'

const NO_CELLS: readonly number[] = []

/** The cells of one key and endpoint: a handful of (method, status) pairs, so a list beats a map. */
class EndpointCells {
  /** The bucket in which this endpoint was last admitted. */
  bucket = 0
  /** Flat: code of method and status, number of the cell. Replaced by one that is just as long when it grows. */
  cells = NO_CELLS
}

class KeyCells {
  bucket = 0
  endpointsInBucket = 0
  readonly endpoints = new Map<string, EndpointCells>()
}

export interface CellLimits {
  readonly maxKeys: number
  readonly maxEndpointsPerKey: number
}

/** Finds the number of a cell in its file, and keeps the limits per bucket: past them cells become `(other)`. */
export class CellIndex {
  readonly #limits: CellLimits
  readonly #keys = new Map<string, KeyCells>()
  readonly #methods = new Map<string, number>()
  #bucketStart = NaN
  /** How many buckets were entered: a small integer takes no room on the heap, the time of a bucket's start would. */
  #bucket = 0
  #keysInBucket = 0

  constructor(limits: CellLimits) {
    this.#limits = limits
  }

  /** Begins a bucket: the limits start anew. */
  enterBucket(start: number): void {
    if (start === this.#bucketStart) return
    this.#bucketStart = start
    this.#bucket += 1
    this.#keysInBucket = 0
  }

  /**
   * Begins a new file: every cell is to be added again, and what this bucket has not used is forgotten.
   * @returns how many cells this bucket used
   */
  enterFile(): number {
    let used = 0
    for (const [id, key] of this.#keys) {
      if (key.bucket !== this.#bucket) {
        this.#keys.delete(id)
        continue
      }
      for (const [endpoint, found] of key.endpoints) {
        if (found.bucket === this.#bucket) used += found.cells.length / 2
        else key.endpoints.delete(endpoint)
        found.cells = NO_CELLS
      }
    }
    return used
  }

  /**
   * The number of a cell; `add` gives a new cell its number, or nothing when the file is full.
   * @returns undefined when `add` gave nothing
   */
  findCell(
    key: KeyIdentity,
    method: string,
    endpoint: string,
    status: number,
    add: (cell: CellName) => number | undefined,
  ): number | undefined {
    let keyCells = this.#keys.get(key.id)
    if (keyCells?.bucket !== this.#bucket) {
      if (!this.#admitsKey(key)) return this.findCell(OTHER_KEY, method, endpoint, status, add)
      keyCells = this.#admitKey(key, keyCells)
    }
    let found = keyCells.endpoints.get(endpoint)
    if (found?.bucket !== this.#bucket) {
      if (!this.#admitsEndpoint(keyCells, endpoint)) {
        return this.findCell(key, method, OTHER_ENDPOINT, status, add)
      }
      found = this.#admitEndpoint(keyCells, endpoint, found)
    }
    const { cells } = found
    const code = this.#methodNumber(method) * 1000 + status
    for (let index = 0; index < cells.length; index += 2) {
      if (cells[index] === code) return cells[index + 1]
    }
    const cell = add({ key, method, endpoint, status })
    if (cell !== undefined) found.cells = [...cells, code, cell]
    return cell
  }

  #admitsKey(key: KeyIdentity): boolean {
    return isReserved(key) || this.#keysInBucket < this.#limits.maxKeys
  }

  #admitKey(key: KeyIdentity, known: KeyCells | undefined): KeyCells {
    const cells = known ?? new KeyCells()
    cells.bucket = this.#bucket
    cells.endpointsInBucket = 0
    if (!isReserved(key)) this.#keysInBucket += 1
    if (!known) this.#keys.set(key.id, cells)
    return cells
  }

  #admitsEndpoint(key: KeyCells, endpoint: string): boolean {
    return isShared(endpoint) || key.endpointsInBucket < this.#limits.maxEndpointsPerKey
  }

  #admitEndpoint(key: KeyCells, endpoint: string, known: EndpointCells | undefined): EndpointCells {
    const cells = known ?? new EndpointCells()
    cells.bucket = this.#bucket
    if (!isShared(endpoint)) key.endpointsInBucket += 1
    if (!known) key.endpoints.set(endpoint, cells)
    return cells
  }

  #methodNumber(method: string): number {
    const known = this.#methods.get(method)
    if (known !== undefined) return known
    this.#methods.set(method, this.#methods.size)
    return this.#methods.size - 1
  }
}

const isReserved = (key: KeyIdentity): boolean => key.id === OTHER_KEY.id || key.id === REJECTED_KEY.id

const isShared = (endpoint: string): boolean => endpoint === OTHER_ENDPOINT || endpoint === UNMATCHED_ENDPOINT
