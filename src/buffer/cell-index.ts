import { isReservedKey, OTHER_ENDPOINT, OTHER_KEY, toCountedKey, UNMATCHED_ENDPOINT } from '../usage.ts'
import type { CountedKey } from '../usage.ts'
import { CellTable } from './cell-table.ts'
import type { CellName } from './name-records.ts'

/** Stands for an endpoint of a key with whatever method and status: that it was admitted. */
const ANY = 0
const NO_CELL = 0

export interface CellLimits {
  readonly maxKeys: number
  readonly maxEndpointsPerKey: number
}

/** The numbers that keys have in one file are of no use in another: each file of each index is a generation. */
let generations = 0

/** Finds the number of a cell in its file, and keeps the limits per bucket: past them cells become `(other)`. */
export class CellIndex {
  readonly #limits: CellLimits
  readonly #methods = new Map<string, number>()
  readonly #other = toCountedKey(OTHER_KEY)
  #generation = ++generations
  #keys = new Map<string, number>()
  #endpoints = new Map<string, number>()
  /** Every cell of the file. */
  #known = new CellTable()
  /** The cells that this bucket has used: the limits need not be asked again. */
  readonly #current = new CellTable()
  /** The endpoints of each key that this bucket has used. */
  readonly #admitted = new CellTable()
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
    const [ids, endpoints] = [[...this.#keys.keys()], [...this.#endpoints.keys()]]
    const admitted = [...this.#admitted.entries()]
    this.#generation = ++generations
    this.#keys = new Map()
    this.#endpoints = new Map()
    this.#known = new CellTable()
    this.#current.clear()
    this.#admitted.clear()
    this.#endpointsOf.clear()
    for (const [key, endpoint] of admitted) {
      this.#enterEndpoint(this.#enterKey(ids[key - 1]!), endpoints[endpoint - 1]!)
    }
    return used
  }

  /**
   * The number of a cell; `add` gives a new cell its number, or nothing when the file is full.
   * @returns undefined when `add` gave nothing
   */
  findCell(
    key: CountedKey,
    method: string,
    endpoint: string,
    status: number,
    add: (cell: CellName) => number | undefined,
  ): number | undefined {
    const endpointNumber = this.#endpoints.get(endpoint)
    if (endpointNumber !== undefined && key.generation === this.#generation) {
      const cell = this.#current.find(key.number, endpointNumber, this.#codeOf(method, status))
      if (cell >= 0) return cell
    }
    return this.#admitCell(key, method, endpoint, status, add)
  }

  /** What happens to a cell once per bucket. */
  #admitCell(
    key: CountedKey,
    method: string,
    endpoint: string,
    status: number,
    add: (cell: CellName) => number | undefined,
  ): number | undefined {
    const keyNumber = this.#admitKey(key.identity.id)
    if (keyNumber === undefined) return this.findCell(this.#other, method, endpoint, status, add)
    const endpointNumber = this.#admitEndpoint(keyNumber, endpoint)
    if (endpointNumber === undefined) return this.findCell(key, method, OTHER_ENDPOINT, status, add)
    key.generation = this.#generation
    key.number = keyNumber
    const code = this.#codeOf(method, status)
    const current = this.#current.find(keyNumber, endpointNumber, code)
    if (current >= 0) return current
    const known = this.#known.find(keyNumber, endpointNumber, code)
    const cell = known >= 0 ? known : add({ key: key.identity, method, endpoint, status })
    if (cell === undefined) return undefined
    if (known < 0) this.#known.add(keyNumber, endpointNumber, code, cell)
    this.#current.add(keyNumber, endpointNumber, code, cell)
    return cell
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

  /** @returns the number of the endpoint; undefined past the limit of its key */
  #admitEndpoint(key: number, endpoint: string): number | undefined {
    const known = this.#endpoints.get(endpoint)
    if (known !== undefined && this.#admitted.find(key, known, ANY) >= 0) return known
    if (!isShared(endpoint) && this.#endpointsOf.get(key)! >= this.#limits.maxEndpointsPerKey)
      return undefined
    return this.#enterEndpoint(key, endpoint)
  }

  #enterEndpoint(key: number, endpoint: string): number {
    const number = numberOf(this.#endpoints, endpoint)
    this.#admitted.add(key, number, ANY, NO_CELL)
    if (!isShared(endpoint)) this.#endpointsOf.set(key, this.#endpointsOf.get(key)! + 1)
    return number
  }

  #codeOf(method: string, status: number): number {
    return numberOf(this.#methods, method) * 1000 + status
  }
}

function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name)
  if (known !== undefined) return known
  numbers.set(name, numbers.size + 1)
  return numbers.size
}

const isShared = (endpoint: string): boolean => endpoint === OTHER_ENDPOINT || endpoint === UNMATCHED_ENDPOINT
