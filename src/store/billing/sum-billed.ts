import { readExact, sumExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'

/** What earlier statements billed of a period. */
export interface BilledQuantity {
  /** What the customer is called now; null when unknown or blanked. */
  readonly owner: string | null
  readonly keyId: string
  /** As on the lines of a statement. */
  readonly ownerSince: string | null
  readonly method: string
  readonly endpoint: string
  readonly unit: string
  readonly quantity: bigint
}

/** Sums of the lines of a period in the statements before a number. */
export async function sumBilled(db: Database, period: number, before: number): Promise<BilledQuantity[]> {
  const rows = await db.query<
    Omit<BilledQuantity, 'ownerSince' | 'quantity'> & { ownerSince: string | number; quantity: string }
  >(
    `select a.customer as owner, l.api_key_id as "keyId", ${db.dialect.millisecondsOf('l.owner_since')} as "ownerSince",
   l.method, l.endpoint, l.unit, ${sumExact('l.quantity')} as quantity
from api_key_analytics_statement_lines l
join api_key_analytics_statement_accounts a
  on a.api_key_id = l.api_key_id and a.statement = l.statement and a.account = l.account
where l.period = $1 and l.statement < $2
group by a.customer, l.api_key_id, l.owner_since, l.method, l.endpoint, l.unit`,
    [period, before],
  )
  return rows.map((row) =>
    Object.assign(row, { ownerSince: toOwnerSince(row.ownerSince), quantity: readExact(row.quantity) }),
  )
}

/** The start of an owner's part of a period as it is printed: null for the first part, which is stored as 0. */
export function toOwnerSince(milliseconds: string | number): string | null {
  return Number(milliseconds) === 0 ? null : new Date(Number(milliseconds)).toISOString()
}
