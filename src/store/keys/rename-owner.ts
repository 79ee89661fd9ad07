import { renameAlertsOf } from '../alerts/remove-alerts.ts'
import { findKeysOfOwner } from '../read/find-keys.ts'
import { readOwners, writeOwners } from './key-owners.ts'
import { lockKey } from '../remove/lock-key.ts'
import { requireText } from './name-key.ts'
import type { Database } from '../database/open-database.ts'
import { replaceOwner } from './owner-periods.ts'
import { moveQuotas } from '../quotas/move-quotas.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { takeTurn } from '../write/take-turn.ts'

/**
 * Renames an owner, now and in the past, with its quotas and alerts. A name that is in use merges both owners and keeps
 * its quotas. Works key by key: after an abort, run it again to finish.
 * @throws ARGUMENT_INVALID for a name that cannot be stored
 */
export async function renameOwner(
  db: Database,
  owner: string,
  name: string,
): Promise<{ keys: number; quotas: number; droppedQuotas: number }> {
  requireText('owner', name)
  const ids = await findKeysOfOwner(db, owner)
  for (const id of ids) {
    await runBoundedWrite(db, async (tx) => {
      await takeTurn(tx, db)
      if (!(await lockKey(tx, db.dialect, id))) return
      const periods = (await readOwners(tx, db.dialect, [id])).get(id)!
      const renamed = replaceOwner(periods, owner, { owner: name })
      await writeOwners(tx, db.dialect, new Map([[id, renamed]]))
    })
  }
  const { moved, dropped } = await runBoundedWrite(db, async (tx) => {
    await renameAlertsOf(tx, owner, name)
    return moveQuotas(tx, db.dialect, owner, name)
  })
  return { keys: ids.length, quotas: moved, droppedQuotas: dropped }
}
