import type { BucketMinutes } from './batch.ts'
import type { DurationBins } from './duration-bins.ts'
import type { KeyIdentity } from './key.ts'

/** A quantity of a row. */
export interface ImportedQuantity {
  readonly unit: string
  readonly requestCount: number
  readonly quantity: bigint
}

/** One row to import, checked and cleaned. */
export interface ImportedRow {
  /** Where it begins in the file, from 1. */
  readonly line: number
  readonly key: KeyIdentity
  /** Start of the bucket, epoch milliseconds. */
  readonly bucket: number
  readonly bucketMinutes: BucketMinutes
  readonly method: string
  readonly endpoint: string
  readonly status: number
  readonly requestCount: number
  readonly durationUs: number
  /** Requests by duration; they sum up to `requestCount`. */
  readonly durationBins: DurationBins
  readonly quantities: readonly ImportedQuantity[]
}
