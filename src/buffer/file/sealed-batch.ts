import type { Batch, BatchRow, BatchUnits, BucketMinutes, RowQuantity } from '../../model/batch.ts'
import type { KeyIdentity } from '../../model/key.ts'
import type { CellOrder } from '../cells/cell-order.ts'
import { createPause } from '../pause.ts'
import type { FileIdentity } from './counter-layout.ts'
import { FIRST_UNIT_BIN, keyIn, type FileNames } from './name-records.ts'

/** Rows and keys per chunk, and so per SQL statement. */
const CHUNK = 1000

interface SealedBatchFields {
  readonly identity: FileIdentity
  readonly names: FileNames
  readonly order: CellOrder
  readonly area: 0 | 1
  readonly sequence: number
  readonly bucket: number
  readonly countedBefore: number
  readonly sealedAt: number
  readonly isSealed: boolean
  readonly openSequence: number | undefined
  readonly databaseId: string | undefined
  readonly requestCount: number
  readonly units: BatchUnits | undefined
  /** Per slot: requests, and microseconds or a quantity. */
  readonly counts: Float64Array
}

/**
 * A sealed area of a counter file as a batch: the slots of a cell are one row. Valid until the file marks it delivered.
 */
export class SealedBatch implements Batch {
  readonly area: 0 | 1
  readonly instance: string
  readonly sequence: number
  readonly bucket: number
  readonly bucketMinutes: BucketMinutes
  readonly countedBefore: number
  readonly requestCount: number
  readonly units: BatchUnits | undefined
  readonly sealedAt: number
  readonly isSealed: boolean
  readonly openSequence: number | undefined
  /** The database that its requests were counted for. */
  readonly target: string
  /** The database this batch was tried on, if it was. */
  readonly databaseId: string | undefined
  readonly #unitNames: readonly string[]
  readonly #names: FileNames
  readonly #order: CellOrder
  readonly #counts: Float64Array
  readonly #pairs: number[] = []
  #rowCount = 0

  constructor(fields: SealedBatchFields) {
    const { instance, target, bucketMinutes, units } = fields.identity
    this.#unitNames = units
    this.#names = fields.names
    this.#order = fields.order
    this.#counts = fields.counts
    this.area = fields.area
    this.instance = instance
    this.target = target
    this.bucketMinutes = bucketMinutes
    this.sequence = fields.sequence
    this.bucket = fields.bucket
    this.countedBefore = fields.countedBefore
    this.requestCount = fields.requestCount
    this.units = fields.units
    this.isSealed = fields.isSealed
    this.openSequence = fields.openSequence
    this.databaseId = fields.databaseId
    // Its keys were not used after the end of the bucket, even if it was sealed later. A killed process left no time.
    const bucketEnd = fields.bucket + bucketMinutes * 60_000
    this.sealedAt = Math.min(fields.sealedAt || bucketEnd, bucketEnd)
  }

  /** Late additions in it. */
  get additionCount(): number {
    return this.units?.additionCount ?? 0
  }

  async *keys(): AsyncGenerator<readonly KeyIdentity[]> {
    let chunk: KeyIdentity[] = []
    let last: number | undefined
    const pause = createPause()
    for (const cell of await this.#order.sort(this.#names)) {
      // also for the cells without counts: an app with many has most of them between two rows
      const paused = pause()
      if (paused) await paused
      const key = this.#names.cells.keyAt(cell)
      if (key === last || !this.#hasCounts(cell)) continue
      last = key
      chunk.push(keyIn(this.#names, key, this.sequence))
      if (chunk.length === CHUNK) {
        yield chunk
        chunk = []
      }
    }
    if (chunk.length > 0) yield chunk
  }

  /** How many rows it has; known once they were read. */
  get rowCount(): number {
    return this.#rowCount
  }

  async *rows(): AsyncGenerator<readonly BatchRow[]> {
    this.#rowCount = 0
    let chunk: BatchRow[] = []
    const pause = createPause()
    for (const cell of await this.#order.sort(this.#names)) {
      const paused = pause()
      if (paused) await paused
      const row = this.#readRow(cell)
      if (!row) continue
      chunk.push(row)
      this.#rowCount += 1
      if (chunk.length === CHUNK) {
        yield chunk
        chunk = []
      }
    }
    if (chunk.length > 0) yield chunk
  }

  #hasCounts(cell: number): boolean {
    const pairs = this.#readSlots(cell)
    for (let index = 0; index < pairs.length; index += 2) {
      const at = pairs[index + 1]! * 2
      if (this.#counts[at] !== 0) return true
      if (pairs[index]! >= FIRST_UNIT_BIN && this.#counts[at + 1] !== 0) return true
    }
    return false
  }

  /** The row of a cell: what its slots counted, in the order of bins; nothing when they counted nothing. */
  #readRow(cell: number): BatchRow | undefined {
    const pairs = this.#readSlots(cell)
    const durationBins: number[] = []
    const quantities: RowQuantity[] = []
    let requestCount = 0
    let durationUs = 0
    for (let index = 0; index < pairs.length; index += 2) {
      const slot = pairs[index + 1]!
      const requests = this.#counts[slot * 2]!
      if (pairs[index]! >= FIRST_UNIT_BIN) {
        const unit = this.#unitNames[pairs[index]! - FIRST_UNIT_BIN]!
        const quantity = this.#counts[slot * 2 + 1]!
        if (requests > 0 || quantity > 0) quantities.push({ unit, requestCount: requests, quantity })
        continue
      }
      if (requests === 0) continue
      requestCount += requests
      durationUs += this.#counts[slot * 2 + 1]!
      durationBins.push(pairs[index]!, requests)
    }
    if (requestCount === 0 && quantities.length === 0) return undefined
    const { keys, operations, cells } = this.#names
    const { id: keyId } = keys.get(cells.keyAt(cell))!
    const { method, endpoint } = operations.get(cells.operationAt(cell))!
    const status = cells.statusAt(cell)
    // each process has units in an order of its own, and all must lock rows in one
    if (quantities.length > 1) quantities.sort(compareUnits)
    const row = { keyId, endpoint, method, status, requestCount, durationUs, durationBins }
    return quantities.length > 0 ? { ...row, quantities } : row
  }

  /** Bin and slot in turn; valid until the next call. */
  #readSlots(cell: number): readonly number[] {
    this.#names.slots.read(cell, this.#pairs)
    return this.#pairs
  }
}

const compareUnits = (a: RowQuantity, b: RowQuantity): number => (a.unit < b.unit ? -1 : 1)
