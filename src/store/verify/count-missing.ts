import type { Database } from '../database/open-database.ts'

const MISSING = 'select coalesce(sum(missing), 0) as missing from api_key_analytics_ledger where missing > 0'

/** Requests that were counted once and are known to be in no row. */
export async function countMissing(db: Database): Promise<number> {
  const [ledger] = await db.query<{ missing: string | number }>(MISSING)
  return Number(ledger?.missing)
}
