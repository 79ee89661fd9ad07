import { isReservedKey, OTHER_ENDPOINT, OTHER_KEY, UNMATCHED_ENDPOINT, type KeyIdentity } from '../usage.ts'
import { CellTable } from './cell-table.ts'
import type { CellName } from './name-records.ts'

/** Stands for an endpoint of a key with whatever method and status: when it was admitted. */
const ANY = 0
const NO_CELL = -1

export interface CellLimits {
  readonly maxKeys: number
  readonly maxEndpointsPerKey: number
}

/** The bucket in which a key was last admitted, and how many of its endpoints were in it. */
interface KeyUse {
  readonly bucket: number
  endpoints: number
}

/** Finds the number of a cell in its file, and keeps the limits per bucket: past them cells become `(other)`. */
export class CellIndex {
  readonly #limits: CellLimits
  readonly #methods = new Map<string, number>()
  #keys = new Map<string, number>()
  #endpoints = new Map<string, number>()
  /** By the number of a key. */
  #uses: KeyUse[] = []
  #table = new CellTable()
  #bucketStart = NaN
  /** How many buckets were entered: a small number where a time would not fit. */
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
    const [ids, endpoints] = [[...this.#keys.keys()], [...this.#endpoints.keys()]]
    const before = this.#table
    this.#keys = new Map()
    this.#endpoints = new Map()
    this.#uses = []
    this.#table = new CellTable()
    let used = 0
    for (const [key, endpoint, code] of before.entriesIn(this.#bucket)) {
      if (code === ANY) this.#enterEndpoint(this.#enterKey(ids[key - 1]!), endpoints[endpoint - 1]!)
      else used += 1
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
    const keyNumber = this.#keys.get(key.id)
    const endpointNumber = this.#endpoints.get(endpoint)
    if (keyNumber !== undefined && endpointNumber !== undefined) {
      const place = this.#table.find(keyNumber, endpointNumber, this.#codeOf(method, status))
      if (place >= 0 && this.#table.bucketAt(place) === this.#bucket) return this.#table.cellAt(place)
    }
    return this.#admitCell(key, method, endpoint, status, add)
  }

  /** What happens to a cell once per bucket. */
  #admitCell(
    key: KeyIdentity,
    method: string,
    endpoint: string,
    status: number,
    add: (cell: CellName) => number | undefined,
  ): number | undefined {
    const keyNumber = this.#admitKey(key.id)
    if (keyNumber === undefined) return this.findCell(OTHER_KEY, method, endpoint, status, add)
    const endpointNumber = this.#admitEndpoint(keyNumber, endpoint)
    if (endpointNumber === undefined) return this.findCell(key, method, OTHER_ENDPOINT, status, add)
    const code = this.#codeOf(method, status)
    const place = this.#table.find(keyNumber, endpointNumber, code)
    if (place >= 0) {
      this.#table.setBucket(place, this.#bucket)
      return this.#table.cellAt(place)
    }
    const cell = add({ key, method, endpoint, status })
    if (cell !== undefined) this.#table.add(keyNumber, endpointNumber, code, cell, this.#bucket)
    return cell
  }

  /** @returns the number of the key; undefined past the limit */
  #admitKey(id: string): number | undefined {
    const known = this.#keys.get(id)
    if (known !== undefined && this.#uses[known - 1]!.bucket === this.#bucket) return known
    if (!isReservedKey(id) && this.#keysInBucket >= this.#limits.maxKeys) return undefined
    if (!isReservedKey(id)) this.#keysInBucket += 1
    return this.#enterKey(id)
  }

  #enterKey(id: string): number {
    const number = numberOf(this.#keys, id)
    const use = this.#uses[number - 1]
    if (use?.bucket !== this.#bucket) this.#uses[number - 1] = { bucket: this.#bucket, endpoints: 0 }
    return number
  }

  /** @returns the number of the endpoint; undefined past the limit of its key */
  #admitEndpoint(key: number, endpoint: string): number | undefined {
    const known = this.#endpoints.get(endpoint)
    const place = known === undefined ? -1 : this.#table.find(key, known, ANY)
    if (place >= 0 && this.#table.bucketAt(place) === this.#bucket) return known
    const { endpoints } = this.#uses[key - 1]!
    if (!isShared(endpoint) && endpoints >= this.#limits.maxEndpointsPerKey) return undefined
    return this.#enterEndpoint(key, endpoint)
  }

  #enterEndpoint(key: number, endpoint: string): number {
    const number = numberOf(this.#endpoints, endpoint)
    const place = this.#table.find(key, number, ANY)
    if (place >= 0) this.#table.setBucket(place, this.#bucket)
    else this.#table.add(key, number, ANY, NO_CELL, this.#bucket)
    if (!isShared(endpoint)) this.#uses[key - 1]!.endpoints += 1
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
