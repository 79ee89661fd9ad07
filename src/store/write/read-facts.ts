import type { Database } from '../database/open-database.ts'
import { readMeta } from '../database/read-meta.ts'
import { requireState } from '../database/require-active.ts'
import type { DatabaseFacts } from '../usage-store.ts'

const SET_PEPPER_CHECK = `
update api_key_analytics_meta
set pepper_check = $1
where id = 1 and pepper_check is null and state = 'active'`

/**
 * Reads what a writer must know about its database. The first one with a pepper leaves its check there.
 * @throws DATABASE_MOVED
 */
export async function readFacts(db: Database, pepperCheck: string): Promise<DatabaseFacts> {
  if (pepperCheck) await db.query(SET_PEPPER_CHECK, [pepperCheck])
  const meta = await readMeta(db)
  requireState(db.databaseLabel, meta)
  return {
    databaseId: meta.database_id,
    databaseLabel: db.databaseLabel,
    pepperMatches: meta.pepper_check === null || meta.pepper_check === pepperCheck,
  }
}
