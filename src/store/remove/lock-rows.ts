import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'

/**
 * Citus cannot lock rows of several shards in a fixed order, and has no snapshot of all its servers. Code that needs
 * either makes the writers wait with this lock.
 */
export const HOLD_WRITERS = 'lock table api_key_analytics in share row exclusive mode'

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
  await tx.query(
    `select count(*)
from (
  select 1
  from api_key_analytics t
  where ${condition}
  order by t.api_key_id, t.bucket, t.bucket_minutes, t.endpoint, t.method, t.status
  for update
) locked`,
    params,
  )
}
