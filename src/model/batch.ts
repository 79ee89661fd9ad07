import type { DurationBins } from './duration-bins.ts'
import type { KeyIdentity } from './key.ts'

/** Width of a bucket in minutes: minute, hour or day (always UTC). */
export type BucketMinutes = 1 | 60 | 1440

/** One cell of a batch. */
export interface BatchRow {
  readonly keyId: string
  readonly endpoint: string
  readonly method: string
  readonly status: number
  /** Requests, at least 1. */
  readonly requestCount: number
  /** Sum over the requests, whole microseconds. */
  readonly durationUs: number
  /** Requests by duration; they sum up to `requestCount`. */
  readonly durationBins: DurationBins
}

/** Everything that one instance counted between two seals, inside one bucket. */
export interface Batch {
  /** UUID of the counter file that counted it. */
  readonly instance: string
  /** 1, 2, 3 … within the instance, without holes. */
  readonly sequence: number
  /** Start of the bucket, epoch milliseconds. */
  readonly bucket: number
  readonly bucketMinutes: BucketMinutes
  /** Requests that this instance counted before this batch. The ledger must have as many by then. */
  readonly countedBefore: number
  /** Requests in this batch: the sum over its rows. */
  readonly requestCount: number
  /** When the batch was sealed, epoch milliseconds; taken as the keys' time of last use. */
  readonly sealedAt: number
  /** False when its process was killed before sealing: another copy of its counter file may have more of the batch. */
  readonly isSealed: boolean
  /** The batch that the instance counts into now; undefined when its process is dead, or may live elsewhere. */
  readonly openSequence: number | undefined
  /** Every key of the rows, each once, sorted by id. */
  keys(): AsyncIterable<readonly KeyIdentity[]>
  /**
   * The rows in chunks of at most 1000, each row (key, endpoint, method, status) once, sorted by keyId, endpoint,
   * method (code units) and status: concurrent flushes lock in one order and cannot deadlock. Asynchronous, so that
   * a large batch never holds the event loop; may be iterated again for a retry.
   */
  rows(): AsyncIterable<readonly BatchRow[]>
}
