import { OTHER_ENDPOINT, OTHER_KEY, REJECTED_KEY, UNMATCHED_ENDPOINT, type KeyIdentity } from '../usage.ts'
import type { CellName } from './name-records.ts'

/** The cells of one key and endpoint: a handful of (method, status) pairs, so a list beats a map. */
class EndpointCells {
  /** The bucket in which this endpoint was last admitted. */
  bucket = NaN
  /** The file that the slots belong to. */
  generation = -1
  readonly codes: number[] = []
  readonly slots: number[] = []
}

class KeyCells {
  bucket = NaN
  endpointsInBucket = 0
  readonly endpoints = new Map<string, EndpointCells>()
}

export interface CellLimits {
  readonly maxKeys: number
  readonly maxEndpointsPerKey: number
}

/** Finds the slot of a cell, and keeps the limits per bucket: past them cells become `(other)`. */
export class CellIndex {
  readonly #limits: CellLimits
  readonly #keys = new Map<string, KeyCells>()
  readonly #methods = new Map<string, number>()
  #bucket = NaN
  #keysInBucket = 0
  #generation = 0

  constructor(limits: CellLimits) {
    this.#limits = limits
  }

  /** Begins a bucket: the limits start anew. */
  enterBucket(bucket: number): void {
    if (bucket === this.#bucket) return
    this.#bucket = bucket
    this.#keysInBucket = 0
  }

  /**
   * Begins a new file: every slot is to be given again, and what this bucket has not used is forgotten.
   * @returns how many cells are left
   */
  enterFile(): number {
    this.#generation += 1
    let left = 0
    for (const [id, key] of this.#keys) {
      if (key.bucket !== this.#bucket) {
        this.#keys.delete(id)
        continue
      }
      for (const [endpoint, cells] of key.endpoints) {
        if (cells.bucket === this.#bucket) left += cells.codes.length
        else key.endpoints.delete(endpoint)
      }
    }
    return left
  }

  /**
   * The slot of a cell; `add` gives a new cell its slot, or nothing when the file is full.
   * @returns undefined when `add` gave nothing
   */
  findSlot(
    key: KeyIdentity,
    method: string,
    endpoint: string,
    status: number,
    add: (cell: CellName) => number | undefined,
  ): number | undefined {
    let keyCells = this.#keys.get(key.id)
    if (keyCells?.bucket !== this.#bucket) {
      if (!this.#admitsKey(key)) return this.findSlot(OTHER_KEY, method, endpoint, status, add)
      keyCells = this.#admitKey(key, keyCells)
    }
    let cells = keyCells.endpoints.get(endpoint)
    if (cells?.bucket !== this.#bucket) {
      if (!this.#admitsEndpoint(keyCells, endpoint)) {
        return this.findSlot(key, method, OTHER_ENDPOINT, status, add)
      }
      cells = this.#admitEndpoint(keyCells, endpoint, cells)
    }
    if (cells.generation !== this.#generation) {
      cells.generation = this.#generation
      cells.codes.length = 0
      cells.slots.length = 0
    }
    const code = this.#methodNumber(method) * 1000 + status
    const known = cells.codes.indexOf(code)
    if (known >= 0) return cells.slots[known]
    const slot = add({ key, method, endpoint, status })
    if (slot !== undefined) {
      cells.codes.push(code)
      cells.slots.push(slot)
    }
    return slot
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
