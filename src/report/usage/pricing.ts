import type { KeyIdentity } from '../../model/key.ts'
import type { InvoicePrices } from './usage-report.ts'
import type { Database } from '../../store/database/open-database.ts'

/** What a key used of one unit on one endpoint within the period of an invoice. */
export interface InvoiceLine {
  readonly key: KeyIdentity
  readonly owner: string | null
  readonly method: string
  readonly endpoint: string
  readonly unit: string
  readonly quantity: bigint
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
