import type { DurationBins } from './duration-bins.ts'
import type { KeyIdentity } from './key.ts'

/** Width of a bucket in minutes: minute, hour or day (always UTC). */
export type BucketMinutes = 1 | 60 | 1440

/** What a row counted of one unit besides its requests. */
export interface RowQuantity {
  readonly unit: string
  /** Requests that set a quantity of the unit, 0 included. */
  readonly requestCount: number
  /** Whole number, 0 to 2^53 - 1. */
  readonly quantity: number
}

/** One cell of a batch. */
export interface BatchRow {
  readonly keyId: string
  readonly endpoint: string
  readonly method: string
  readonly status: number
  /** Requests; 0 when all that the row has are quantities that came after their requests were counted. */
  readonly requestCount: number
  /** Sum over the requests, whole microseconds. */
  readonly durationUs: number
  /** Requests by duration; they sum up to `requestCount`. */
  readonly durationBins: DurationBins
  /** Sorted by unit; absent when there are none. */
  readonly quantities?: readonly RowQuantity[] | undefined
}

/** A unit of the instance: its quantity before this batch, and in it. */
export interface UnitTotal {
  readonly unit: string
  readonly before: number
  readonly quantity: number
}

/**
 * What a batch of an app with units has besides its requests. A quantity that comes after its request was counted is a
 * late addition. It takes a number as a request does, so a batch without requests is a range of numbers too.
 */
export interface BatchUnits {
  /** Late additions that this instance counted before this batch. */
  readonly additionsBefore: number
  /** Late additions in this batch. */
  readonly additionCount: number
  /** Every unit of the instance. */
  readonly totals: readonly UnitTotal[]
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
  /** Absent when the app declares no units. */
  readonly units?: BatchUnits | undefined
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

/** The numbers that the instance gave to the requests and late additions of a batch: from exclusive, to inclusive. */
export function rangeOf({
  countedBefore,
  requestCount,
  units,
}: Pick<Batch, 'countedBefore' | 'requestCount' | 'units'>): { readonly from: number; readonly to: number } {
  const from = countedBefore + (units?.additionsBefore ?? 0)
  return { from, to: from + requestCount + (units?.additionCount ?? 0) }
}
