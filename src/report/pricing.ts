import type { KeyIdentity } from '../model/key.ts'
import type { Database } from '../store/database/open-database.ts'

/** What a key used of one unit on one endpoint within the period of an invoice. */
export interface InvoiceLine {
  readonly key: KeyIdentity
  readonly owner: string | null
  readonly method: string
  readonly endpoint: string
  readonly unit: string
  readonly quantity: bigint
}

/** What the lines of an invoice cost. */
export interface InvoicePrices {
  /** ISO 4217. */
  readonly currency: string
  /** A decimal number as text, as are the other amounts. */
  readonly total: string
  /** By customer: an owner, or a key without one. */
  readonly customers: readonly {
    readonly owner: string | null
    readonly keyId?: string
    readonly amount: string
  }[]
}

/** Prices the lines of an invoice: one amount for each line, null where no price fits. */
export type Pricing = (
  db: Database,
  lines: readonly InvoiceLine[],
) => Promise<{
  readonly prices: InvoicePrices
  readonly amounts: readonly (string | null)[]
  readonly notes: readonly string[]
}>
