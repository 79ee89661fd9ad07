import type { Statements } from './dialect.ts'
import { HOLD_WRITERS } from './usage-tables.ts'
import type { Database } from './open-database.ts'

/** Reads one state of the whole database while writers go on. Citus has no such state, so there writers wait. */
export function readSnapshot<T>(db: Database, run: (tx: Statements) => Promise<T>): Promise<T> {
  if (!db.distributed) return db.transaction(run, 'snapshot')
  // not in a snapshot of one server: that would be older than the lock
  return db.transaction(async (tx) => {
    await tx.query(HOLD_WRITERS)
    return run(tx)
  }, 'hold')
}
