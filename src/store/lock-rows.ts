import type { Dialect, Statements } from './dialect/dialect.ts'

/**
 * Locks the rows of `api_key_analytics t` that fit a condition in primary-key order, the order of the flushes, so that
 * changing them afterwards in any order cannot deadlock with one. SQLite's one write lock makes it needless there.
 */
export async function lockRows(
  tx: Statements,
  dialect: Dialect,
  condition: string,
  params: readonly unknown[],
): Promise<void> {
  if (dialect.kind === 'sqlite') return
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
