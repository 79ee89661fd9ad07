import type { Amount } from '../usage/amount.ts'
import type { Measures, UsageReport } from '../usage/usage-report.ts'

/** An owner of keys, with the usage in the period. */
export interface CustomerMeasures extends Measures {
  /** Null: keys without a known owner. */
  readonly owner: string | null
  /** Keys with requests, or with the unit, without `(other)` and `(rejected)`. */
  readonly keys: number
  /** Share of all requests, or of all of the quantity, 0 to 1. */
  readonly share: number
  /** Requests, or quantity, per step of the series. */
  readonly trend?: readonly Amount[] | undefined
}

/** The data of `customers list --json`. */
export interface Customers extends Pick<
  UsageReport,
  'unit' | 'period' | 'previous' | 'total' | 'notes' | 'series'
> {
  readonly database: string
  readonly dataDir: string
  /** All customers, shown or not. */
  readonly customerCount: number
  readonly customers: readonly CustomerMeasures[]
}
