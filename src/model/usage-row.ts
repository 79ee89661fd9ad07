import type { BucketMinutes } from './batch.ts'
import type { Latency } from './latency.ts'
import type { KeyRecord } from './key.ts'

/** A step of a trend. */
export interface TrendStep {
  /** Start of the hour, day, week or month. */
  readonly start: Date
  readonly requestCount: number
  /** Statuses 400-599. */
  readonly errorCount: number
  /** Of the unit of the query; only with one. */
  readonly quantity?: bigint
}

/** What the requests of a group used of one unit. */
export interface UsageQuantity {
  /** Such as `tokens`. */
  readonly unit: string
  /** Requests that gave a quantity of this unit, 0 included; counted where they gave the first. */
  readonly requestCount: number
  /** A bigint, because sums may be larger than 2^53. `JSON.stringify` refuses it: write `String(quantity)`. */
  readonly quantity: bigint
}

/** One group of usage. Only the fields of the dimensions asked for are set. */
export interface UsageRow {
  readonly key?: KeyRecord
  readonly endpoint?: string
  readonly method?: string
  readonly status?: number
  readonly owner?: string | null
  /** Start of the hour, day, week or month in the query's time zone, as an instant. */
  readonly hour?: Date
  readonly day?: Date
  readonly week?: Date
  readonly month?: Date
  readonly requestCount: number
  /** Statuses 400-499. */
  readonly clientErrorCount: number
  /** Statuses 500-599. */
  readonly serverErrorCount: number
  /** Statuses 401 and 403. */
  readonly rejectedCount: number
  /** Of the unit of the query, which may be larger than a number can hold; only with one. */
  readonly quantity?: bigint
  /** Sum of durations, microseconds; divide by requestCount for the mean. 0 for a unit. */
  readonly durationUs: number
  /** Start of the first and of the last bucket with a request in this group. */
  readonly firstBucket: Date
  readonly lastBucket: Date
  /** The steps that have requests, oldest first; only when asked for. */
  readonly trend?: readonly TrendStep[]
  /** Null when no duration in this group was measured; only when asked for. */
  readonly latency?: Latency | null
  /** In the order of units, only those with a quantity; only when asked for. */
  readonly quantities?: readonly UsageQuantity[]
}

/** One stored row, as in `export` and `streamUsage`. */
export interface StoredUsageRow {
  readonly keyId: string
  readonly keyLabel: string
  readonly keyName: string | null
  /** The owner when the requests were counted. */
  readonly keyOwner: string | null
  /** The id of the newest key of its line; only of a key that is linked to others. */
  readonly keyLine?: string
  readonly bucket: Date
  readonly bucketMinutes: BucketMinutes
  readonly method: string
  readonly endpoint: string
  readonly status: number
  readonly requestCount: number
  readonly durationUs: number
  /** Null when no duration in this row was measured; only when asked for. */
  readonly latency?: Latency | null
  /** In the order of units; only when asked for. */
  readonly quantities?: readonly UsageQuantity[]
  /** The import that brought the row, 0 for none; only when asked for. */
  readonly importId?: number
}

/** Rows, and what is in them. */
export interface RowSum {
  readonly rows: number
  readonly requests: number
  /** Of the unit of the query; only with one. */
  readonly quantity?: bigint
}

/** Rows that borders of time cut, and those that changes of owner cut when the query is by owner or for one. */
export type StraddlingRows = RowSum & { readonly cutByOwners?: RowSum }
