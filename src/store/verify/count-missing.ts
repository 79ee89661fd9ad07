import { readExact, sumExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'

const MISSING = 'select coalesce(sum(missing), 0) as missing from api_key_analytics_ledger where missing > 0'

/** Requests that were counted once and are known to be in no row. */
export async function countMissing(db: Database): Promise<number> {
  const [ledger] = await db.query<{ missing: string | number }>(MISSING)
  return Number(ledger?.missing)
}

/** Quantity of a unit that was counted once and is known to be in no row. */
export async function countMissingQuantity(db: Database, unit: string): Promise<bigint> {
  const [ledger] = await db.query<{ missing: string | null }>(
    `select ${sumExact('missing')} as missing from api_key_analytics_ledger_units where unit = $1 and missing > 0`,
    [unit],
  )
  return ledger?.missing == null ? 0n : readExact(ledger.missing)
}
