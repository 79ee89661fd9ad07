import { chunksOf } from '../../model/chunks-of.ts'
import { lockStatements } from '../billing/lock-statements.ts'
import { renameCustomer } from '../billing/customer-names.ts'
import { renameAlertsOf } from '../alerts/remove-alerts.ts'
import { findKeysOfOwner } from '../read/find-keys.ts'
import { readOwners, writeOwners } from './key-owners.ts'
import { lockKey } from '../remove/lock-key.ts'
import { requireText } from './name-key.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { replaceOwner } from './owner-periods.ts'
import { moveQuotas } from '../quotas/move-quotas.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { takeTurn } from '../write/take-turn.ts'

/** Keys of one transaction: flushes wait for it, and each key may have many rows. */
const KEYS_AT_ONCE = 20

/** How much has another name now. Quotas are dropped where the name had the same. */
export interface RenamedOwner {
  readonly keys: number
  readonly alerts: number
  readonly quotas: number
  readonly droppedQuotas: number
}

/**
 * Renames an owner, now and in the past, with its quotas and alerts. What was billed to it is still its own. A name that is in use merges both owners and keeps
 * its quotas. Works on some keys at a time: after an abort, run it again to finish.
 * @throws ARGUMENT_INVALID for a name that cannot be stored
 */
export async function renameOwner(db: Database, owner: string, name: string): Promise<RenamedOwner> {
  requireText('owner', name)
  const ids = await findKeysOfOwner(db, owner)
  for (const some of chunksOf(ids, KEYS_AT_ONCE))
    await runBoundedWrite(db, (tx) => renameIn(tx, db.dialect, some, owner, name))
  const { alerts, moved, dropped } = await runBoundedWrite(db, async (tx) => {
    // a statement that is being written may have the former name
    await lockStatements(tx, db, 'close')
    await renameCustomer(tx, owner, name)
    return {
      alerts: await renameAlertsOf(tx, owner, name),
      ...(await moveQuotas(tx, db.dialect, owner, name)),
    }
  })
  return { keys: ids.length, alerts, quotas: moved, droppedQuotas: dropped }
}

async function renameIn(
  tx: Statements,
  dialect: Dialect,
  ids: readonly string[],
  owner: string,
  name: string,
): Promise<void> {
  await takeTurn(tx, { dialect })
  for (const id of ids) await lockKey(tx, dialect, id)
  const renamed = [...(await readOwners(tx, dialect, ids))].map(
    ([id, periods]) => [id, replaceOwner(periods, owner, { owner: name })] as const,
  )
  await writeOwners(tx, dialect, new Map(renamed))
}
