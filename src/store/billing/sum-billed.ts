import type { Statements } from '../database/dialect.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'

/** What earlier statements billed of a period. */
export interface BilledQuantity {
  /** As printed there; null when unknown or blanked. */
  readonly owner: string | null
  readonly keyId: string
  readonly method: string
  readonly endpoint: string
  readonly unit: string
  readonly quantity: bigint
}

/** Sums of the lines of a period in the statements before a number. */
export async function sumBilled(tx: Statements, period: number, before: number): Promise<BilledQuantity[]> {
  const rows = await tx.query<Omit<BilledQuantity, 'quantity'> & { quantity: string }>(
    `select a.owner, l.api_key_id as "keyId", l.method, l.endpoint, l.unit, ${sumExact('l.quantity')} as quantity
from api_key_analytics_statement_lines l
join api_key_analytics_statement_accounts a
  on a.api_key_id = l.api_key_id and a.statement = l.statement and a.account = l.account
where l.period = $1 and l.statement < $2
group by a.owner, l.api_key_id, l.method, l.endpoint, l.unit`,
    [period, before],
  )
  return rows.map((row) => Object.assign(row, { quantity: readExact(row.quantity) }))
}
