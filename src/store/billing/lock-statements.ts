import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'

/**
 * Makes closing and removing wait for each other: `close` for itself and for `remove`, and removers not for other
 * removers. Otherwise a row could be billed and removed at the same time, and nobody would note what was removed. Comes
 * first in a transaction: before the snapshot, and before any lock that a flush holds. SQLite has one write lock.
 */
export async function lockStatements(
  tx: Statements,
  { dialect }: Pick<Database, 'dialect'>,
  use: 'close' | 'remove',
): Promise<void> {
  if (dialect.kind === 'sqlite') return
  const mode = use === 'close' ? 'share row exclusive' : 'row exclusive'
  // this table: a role that closes may update no other one of those for statements
  await tx.query(`lock table api_key_analytics_statement_removals in ${mode} mode`)
}
