import { lockStatements } from '../billing/lock-statements.ts'
import { redactAccounts } from '../billing/redact-accounts.ts'
import type { Statements } from '../database/dialect.ts'
import { USAGE_TABLES } from '../database/usage-tables.ts'
import { lockLinks } from '../keys/key-lines.ts'
import { readOwners } from '../keys/key-owners.ts'
import { leaveLine } from '../keys/link-keys.ts'
import { removeTraces, removeTracesWithoutKeys } from './remove-traces.ts'
import { lockKey } from './lock-key.ts'
import { logRemoval } from './log-removal.ts'
import type { Database } from '../database/open-database.ts'
import { removeRows } from './remove-rows.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'

/**
 * Deletes a key with its quotas, its alerts and all its rows, in bounded transactions that are logged, and blanks its names on
 * statements. When a flush adds counts of the key in the meantime, another round follows. Counts that arrive later make the key appear
 * again.
 */
export async function forgetKey(db: Database, id: string): Promise<{ rows: number; requests: number }> {
  const total = { rows: 0, requests: 0 }
  let logId: number | undefined
  do {
    logId = await removeRows(db, {
      action: 'forget',
      before: null,
      keyId: id,
      logId,
      onRemoved({ rows, requests }) {
        total.rows += rows
        total.requests += requests
      },
    })
  } while (!(await runBoundedWrite(db, (tx) => deleteEmptyKey(tx, db, id, logId))))
  return total
}

/**
 * False when the key has new rows. Checks after it has locked the key: then no process can add rows, so deleting the
 * key deletes none that are not logged. Waits for no row while it holds that lock, so it cannot deadlock.
 */
async function deleteEmptyKey(
  tx: Statements,
  db: Database,
  id: string,
  logId: number | undefined,
): Promise<boolean> {
  const { dialect } = db
  await lockStatements(tx, db, 'close')
  await lockLinks(tx, db)
  if (!(await lockKey(tx, dialect, id))) return true
  for (const table of USAGE_TABLES) {
    const [row] = await tx.query(`select 1 from ${table} where api_key_id = $1 limit 1`, [id])
    if (row) return false
  }
  await redactAccounts(tx, dialect, { keyId: id })
  const periods = (await readOwners(tx, dialect, [id])).get(id)!
  await leaveLine(tx, db, id)
  await tx.query('delete from api_key_analytics_keys where id = $1', [id])
  await removeTraces(tx, { keyId: id })
  await removeTracesWithoutKeys(
    tx,
    periods.map(({ owner }) => owner),
  )
  await logRemoval(tx, dialect, logId, { action: 'forget', before: null, keyId: id, rows: 0, requests: 0 })
  return true
}
