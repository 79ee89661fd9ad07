import type { Batch, BatchRow, BucketMinutes, KeyIdentity } from '../usage.ts'
import type { CounterFile } from './counter-file.ts'

/** Rows and keys per chunk, and so per SQL statement. */
const CHUNK = 1000

interface SealedBatchFields {
  readonly file: CounterFile
  readonly area: 0 | 1
  readonly sequence: number
  readonly bucket: number
  readonly countedBefore: number
  readonly sealedAt: number
  readonly databaseId: string | undefined
  readonly requestCount: number
  /** Per slot: requests, microseconds. */
  readonly counts: Float64Array
}

/** A sealed area of a counter file, seen as a batch. Valid until the file marks it delivered. */
export class SealedBatch implements Batch {
  readonly area: 0 | 1
  readonly instance: string
  readonly sequence: number
  readonly bucket: number
  readonly bucketMinutes: BucketMinutes
  readonly countedBefore: number
  readonly requestCount: number
  readonly sealedAt: number
  /** The database this batch was tried on, if it was. */
  readonly databaseId: string | undefined
  readonly #file: CounterFile
  readonly #counts: Float64Array

  constructor(fields: SealedBatchFields) {
    this.#file = fields.file
    this.#counts = fields.counts
    this.area = fields.area
    this.instance = fields.file.identity.instance
    this.bucketMinutes = fields.file.identity.bucketMinutes
    this.sequence = fields.sequence
    this.bucket = fields.bucket
    this.countedBefore = fields.countedBefore
    this.requestCount = fields.requestCount
    this.databaseId = fields.databaseId
    // Its keys were not used after the bucket, however late it was sealed; a killed process left no time at all.
    const bucketEnd = fields.bucket + fields.file.identity.bucketMinutes * 60_000
    this.sealedAt = Math.min(fields.sealedAt || bucketEnd, bucketEnd)
  }

  async *keys(): AsyncGenerator<readonly KeyIdentity[]> {
    let chunk: KeyIdentity[] = []
    let last: KeyIdentity | undefined
    for (const slot of await this.#file.sortedSlots()) {
      const { key } = this.#file.cells[slot]!
      if (this.#counts[slot * 2] === 0 || key.id === last?.id) continue
      last = key
      chunk.push(key)
      if (chunk.length === CHUNK) {
        yield chunk
        chunk = []
      }
    }
    if (chunk.length > 0) yield chunk
  }

  async *rows(): AsyncGenerator<readonly BatchRow[]> {
    let chunk: BatchRow[] = []
    for (const slot of await this.#file.sortedSlots()) {
      const requestCount = this.#counts[slot * 2]!
      if (requestCount === 0) continue
      const { key, endpoint, method, status } = this.#file.cells[slot]!
      const durationUs = this.#counts[slot * 2 + 1]!
      chunk.push({
        keyId: key.id,
        endpoint,
        method,
        status,
        requestCount,
        durationUs,
        durationBins: [0, requestCount],
      })
      if (chunk.length === CHUNK) {
        yield chunk
        chunk = []
      }
    }
    if (chunk.length > 0) yield chunk
  }
}
