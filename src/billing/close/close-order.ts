import type { KeyObject } from 'node:crypto'
import type { BillingPeriod } from '../billing-period.ts'

/** What to close, and how. */
export interface CloseOrder {
  readonly period: BillingPeriod
  /** Statuses and classes: `['2xx', '304']`. */
  readonly billable: readonly string[]
  /** Exactly this much of each unit is missing, is accepted, and is printed on the statement. */
  readonly acceptMissing?: Readonly<Record<string, bigint>> | undefined
  /** Computes everything and stores nothing. */
  readonly dryRun?: boolean | undefined
  readonly privateKey?: KeyObject | undefined
  readonly signal?: AbortSignal | undefined
  readonly now?: Date | undefined
}
