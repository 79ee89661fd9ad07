import { lockStatements } from '../billing/lock-statements.ts'
import { deleteAlertsDuring } from '../alerts/remove-alerts.ts'
import { redactAccounts } from '../billing/redact-accounts.ts'
import type { Statements } from '../database/dialect.ts'
import { USAGE_TABLES } from '../database/usage-tables.ts'
import { findKeysOfOwner } from '../read/find-keys.ts'
import { forgetKey } from './forget-key.ts'
import { readOwners, writeOwners } from '../keys/key-owners.ts'
import { lockKey } from './lock-key.ts'
import type { Database } from '../database/open-database.ts'
import { removeTraces } from './remove-traces.ts'
import { replaceOwner } from '../keys/owner-periods.ts'
import type { OwnerPeriods } from '../keys/owner-periods.ts'
import { removeRows } from './remove-rows.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { takeTurn } from '../write/take-turn.ts'

/** What was forgotten. */
export interface Forgotten {
  readonly keys: number
  readonly rows: number
  readonly requests: number
}

/**
 * Deletes everything of an owner: keys without other owners with all their rows, and for other keys the rows of the
 * time in which the owner had them; and quotas and alerts. Logged, in bounded transactions. Blanks the names on statements too, also of keys
 * that are gone. Counts that arrive later make the owner appear again.
 */
export async function forgetOwner(db: Database, owner: string): Promise<Forgotten> {
  const total = { keys: 0, rows: 0, requests: 0 }
  for (const id of await findKeysOfOwner(db, owner)) {
    const periods = (await readOwners(db, db.dialect, [id])).get(id)
    if (!periods) continue
    const isOnlyTheirs = periods.every((period) => period.owner === owner || period.owner === null)
    const { rows, requests } = isOnlyTheirs
      ? await forgetKey(db, id)
      : await forgetPeriods(db, id, owner, periods)
    total.keys += 1
    total.rows += rows
    total.requests += requests
  }
  await runBoundedWrite(db, async (tx) => {
    await lockStatements(tx, db, 'close')
    await redactAccounts(tx, db.dialect, { owner })
    await removeTraces(tx, { owner })
  })
  return total
}

/** Repeats when a flush has added rows of the owner, or a period of the owner, in the meantime. */
async function forgetPeriods(
  db: Database,
  id: string,
  owner: string,
  periods: OwnerPeriods,
): Promise<{ rows: number; requests: number }> {
  const total = { rows: 0, requests: 0 }
  let left = periods
  for (;;) {
    for (const during of spansOfOwner(left, owner)) {
      await removeRows(db, {
        action: 'forget',
        before: null,
        keyId: id,
        during,
        onRemoved({ rows, requests }) {
          total.rows += rows
          total.requests += requests
        },
      })
    }
    const found = await runBoundedWrite(db, (tx) => blankOwner(tx, db, id, owner))
    if (!found) return total
    left = found
  }
}

/** The times in which an owner had a key. */
export function spansOfOwner(periods: OwnerPeriods, owner: string): { since: number; until: number }[] {
  return periods.flatMap((period, index) =>
    period.owner === owner ? [{ since: period.since, until: periods[index + 1]?.since ?? Infinity }] : [],
  )
}

/** @returns the periods when the owner has rows again; the lock on the key keeps others from adding any now */
async function blankOwner(
  tx: Statements,
  db: Database,
  id: string,
  owner: string,
): Promise<OwnerPeriods | undefined> {
  const { dialect } = db
  await lockStatements(tx, db, 'close')
  await takeTurn(tx, db)
  if (!(await lockKey(tx, dialect, id))) return undefined
  const periods = (await readOwners(tx, dialect, [id])).get(id)!
  for (const { since, until } of spansOfOwner(periods, owner)) {
    for (const table of USAGE_TABLES) {
      const [row] = await tx.query(
        `select 1
from ${table}
where api_key_id = $1 and bucket >= ${dialect.timeOf('$2')}
  ${until < Infinity ? `and bucket < ${dialect.timeOf(String(until))}` : ''}
limit 1`,
        [id, since],
      )
      if (row) return periods
    }
  }
  if (periods.at(-1)?.owner === owner) {
    const blank = "update api_key_analytics_keys set name = null, name_set_by = 'app', name_said_at = null"
    await tx.query(`${blank} where id = $1`, [id])
    await removeTraces(tx, { keyId: id })
  }
  for (const during of spansOfOwner(periods, owner)) await deleteAlertsDuring(tx, db, id, during)
  const keep = periods.flatMap((period) => (period.owner === owner ? [] : (period.owner ?? [])))
  await redactAccounts(tx, dialect, { keyId: id, during: spansOfOwner(periods, owner), keep })
  const nobody = { owner: null, setBy: 'app' as const, saidAt: null }
  const blanked = replaceOwner(periods, owner, nobody)
  await writeOwners(tx, dialect, new Map([[id, blanked]]))
  return undefined
}
