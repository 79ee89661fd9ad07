import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'

/**
 * Waits for the turn of this transaction among flushes and all others that change sums of owners: two that add to the
 * same sums in another order would wait for each other. Comes before any lock on a key or a row, and after
 * `lockStatements`. SQLite has one write lock.
 */
export async function takeTurn(tx: Statements, { dialect }: Pick<Database, 'dialect'>): Promise<void> {
  if (dialect.kind === 'sqlite') return
  await tx.query('lock table api_key_analytics_meta in share update exclusive mode')
}
