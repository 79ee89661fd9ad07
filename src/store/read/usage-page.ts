import { toSparseBins } from '../../model/duration-bins.ts'
import { measureLatency } from '../../model/latency.ts'
import type { Latency } from '../../model/latency.ts'
import type { BucketMinutes } from '../../model/batch.ts'
import type { StoredUsageRow, UsageQuantity } from '../../model/usage-row.ts'

/** A key as it appears on its rows. */
export type StoredKey = Pick<StoredUsageRow, 'keyId' | 'keyLabel' | 'keyName' | 'keyOwner' | 'keyLine'>

/** The part that every form of a page has. One row is the values at one index of every column. */
interface Columns {
  readonly bucketMinutes: readonly BucketMinutes[]
  readonly method: readonly string[]
  readonly endpoint: readonly string[]
  readonly status: readonly number[]
  readonly requestCount: readonly number[]
  readonly durationUs: readonly number[]
}

/** Stored rows by column, which costs a third of one object per row. */
export interface UsagePage extends Columns {
  /** One object per key and owner. */
  readonly key: readonly StoredKey[]
  /** Neighbours with the same time share one object: do not change it. */
  readonly bucket: readonly Date[]
  /** Only when asked for. */
  readonly latency?: readonly (Latency | null)[]
  /** Number of the import, 0 for none; only when asked for. */
  readonly importId?: readonly number[]
  /** In the order of units; only when asked for. */
  readonly quantities?: readonly (readonly UsageQuantity[])[]
}

/** A page as it is stored, before its keys are read. */
export type KeylessPage = Omit<UsagePage, 'key'> & { readonly keyId: readonly string[] }

/** A page's columns from a database: times in epoch milliseconds, histograms as they are stored. */
export interface StoredColumns extends Columns {
  readonly keyId: readonly string[]
  readonly bucket: readonly number[]
  readonly importId?: readonly number[]
  /** Both or neither. */
  readonly durationFirstBin?: readonly number[]
  readonly durationBins?: readonly (readonly number[])[]
}

/** The name of a column, and its expression on `api_key_analytics t`. */
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

/** The column of imports, which is read only when asked for or for the place of a row. */
export const IMPORT_COLUMNS = { importId: 't.import_id' } as const satisfies Partial<
  Record<keyof StoredColumns, string>
>

/** The columns of durations, which are read only when asked for. */
export const DURATION_COLUMNS = {
  durationFirstBin: 't.duration_first_bin',
  durationBins: 't.duration_bins',
} as const satisfies Partial<Record<keyof StoredColumns, string>>

/** Makes a page from its columns. */
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
