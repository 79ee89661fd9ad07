import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { HOLD_WRITERS } from '../database/usage-tables.ts'

/**
 * Locks the rows of `api_key_analytics t` that match a condition in primary-key order, the order of the flushes.
 * Changing them afterwards in any order cannot deadlock with a flush. Not needed on SQLite, which has one write lock.
 */
export async function lockRows(
  tx: Statements,
  { dialect, distributed }: Database,
  condition: string,
  params: readonly unknown[],
): Promise<void> {
  if (dialect.kind === 'sqlite') return
  if (distributed) return void (await tx.query(HOLD_WRITERS))
  await tx.query(LOCK('api_key_analytics', `${CELL}, t.import_id`, condition), params)
}

/** The same for `api_key_analytics_quantities t`. On Citus the lock of `lockRows` holds already. */
export async function lockQuantities(
  tx: Statements,
  { dialect, distributed }: Database,
  condition: string,
  params: readonly unknown[],
): Promise<void> {
  if (dialect.kind === 'sqlite' || distributed) return
  await tx.query(LOCK('api_key_analytics_quantities', `${CELL}, t.unit, t.import_id`, condition), params)
}

const CELL = 't.api_key_id, t.bucket, t.bucket_minutes, t.endpoint, t.method, t.status'

const LOCK = (table: string, order: string, condition: string) => `
select count(*)
from (
  select 1
  from ${table} t
  where ${condition}
  order by ${order}
  for update
) locked`
