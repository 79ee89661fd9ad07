import { toSparseBins, measureLatency } from '../../model/duration-bins.ts'
import type { Latency } from '../../model/duration-bins.ts'
import type { BucketMinutes } from '../../model/batch.ts'
import type { StoredUsageRow } from '../../model/usage-row.ts'

/** A key as its rows show it. */
export type StoredKey = Pick<StoredUsageRow, 'keyId' | 'keyLabel' | 'keyName' | 'keyOwner'>

/** What is the same in every form of a page. What is at one index of every column is one row. */
interface Columns {
  readonly bucketMinutes: readonly BucketMinutes[]
  readonly method: readonly string[]
  readonly endpoint: readonly string[]
  readonly status: readonly number[]
  readonly requestCount: readonly number[]
  readonly durationUs: readonly number[]
}

/** Stored rows by column: that costs a third of objects. */
export interface UsagePage extends Columns {
  /** One object per key and owner. */
  readonly key: readonly StoredKey[]
  /** One object for neighbours with the same time: do not change it. */
  readonly bucket: readonly Date[]
  /** Only when asked for. */
  readonly latency?: readonly (Latency | null)[]
}

/** A page as it is stored, before its keys are read. */
export type KeylessPage = Omit<UsagePage, 'key'> & { readonly keyId: readonly string[] }

/** A page's columns as a database gives them: times in epoch milliseconds, histograms as they are stored. */
export interface StoredColumns extends Columns {
  readonly keyId: readonly string[]
  readonly bucket: readonly number[]
  /** Both or none. */
  readonly durationFirstBin?: readonly number[]
  readonly durationBins?: readonly (readonly number[])[]
}

/** The name of a column, and where it is in `api_key_analytics t`. */
export const USAGE_COLUMNS = {
  keyId: 't.api_key_id',
  bucket: 't.bucket',
  bucketMinutes: 't.bucket_minutes',
  method: 't.method',
  endpoint: 't.endpoint',
  status: 't.status',
  requestCount: 't.request_count',
  durationUs: 't.duration_us',
} as const satisfies Partial<Record<keyof StoredColumns, string>>

/** Those of durations, which are read only when asked for. */
export const DURATION_COLUMNS = {
  durationFirstBin: 't.duration_first_bin',
  durationBins: 't.duration_bins',
} as const satisfies Partial<Record<keyof StoredColumns, string>>

/** A page from its columns. */
export function toPage({ bucket, durationFirstBin, durationBins, ...columns }: StoredColumns): KeylessPage {
  return {
    ...columns,
    bucket: toDates(bucket),
    ...(durationFirstBin && durationBins && { latency: toLatencies(durationFirstBin, durationBins) }),
  }
}

function toLatencies(
  firsts: readonly number[],
  histograms: readonly (readonly number[])[],
): (Latency | null)[] {
  return histograms.map((bins, row) => measureLatency(toSparseBins(bins, firsts[row] ?? 0)))
}

function toDates(times: readonly number[]): Date[] {
  let date = new Date(Number.NaN)
  return times.map((time) => (date.getTime() === time ? date : (date = new Date(time))))
}
