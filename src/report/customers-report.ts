import type { Measures, UsageReport } from './usage-report.ts'

/** An owner of keys, with the usage in the period. */
export interface Customer extends Measures {
  /** Null: keys without a known owner. */
  readonly owner: string | null
  /** Keys with requests, without `(other)` and `(rejected)`. */
  readonly keys: number
  /** Share of all requests, 0 to 1. */
  readonly share: number
  /** Requests per step of the series. */
  readonly trend?: readonly number[] | undefined
}

/** The data of `customers list --json`. */
export interface Customers extends Pick<UsageReport, 'period' | 'previous' | 'total' | 'notes' | 'series'> {
  readonly database: string
  readonly dataDir: string
  /** All customers, shown or not. */
  readonly customerCount: number
  readonly customers: readonly Customer[]
}
