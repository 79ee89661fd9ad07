import type { Database } from '../database/open-database.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { takeTurn } from '../write/take-turn.ts'

/** Neither registered nor called since, and no deprecation that is still running or that was given without any app. */
const PRUNABLE = (time: string) => `(last_registered_at is null or last_registered_at < ${time})
  and (last_called_at is null or last_called_at < ${time})
  and (deprecated_at is null or (last_registered_at is not null and (sunset_at is null or sunset_at < ${time})))`

/** Counts what `pruneRoutes` would delete. */
export async function countPrunableRoutes(db: Database, before: Date): Promise<number> {
  const [found] = await db.query<{ count: string | number }>(
    `select count(*) as count from api_key_analytics_routes where ${PRUNABLE(db.dialect.timeOf('$1'))}`,
    [before.getTime()],
  )
  return Number(found?.count)
}

/** Deletes the routes that no app has any more: those that were registered and called before a moment for the last time. */
export async function pruneRoutes(db: Database, before: Date): Promise<number> {
  const sql = `delete from api_key_analytics_routes where ${PRUNABLE(db.dialect.timeOf('$1'))} returning 1`
  const deleted = await runBoundedWrite(db, async (tx) => {
    await takeTurn(tx, db)
    return tx.query(sql, [before.getTime()])
  })
  return deleted.length
}
