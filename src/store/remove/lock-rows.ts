import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'

/**
 * Citus locks no rows of several shards in an order, and has no snapshot of all its servers: there, who needs either
 * lets the writers wait.
 */
export const HOLD_WRITERS = 'lock table api_key_analytics in share row exclusive mode'

/**
 * Locks the rows of `api_key_analytics t` that fit a condition in primary-key order, the order of the flushes, so that
 * changing them afterwards in any order cannot deadlock with one. SQLite's one write lock makes it needless there.
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
