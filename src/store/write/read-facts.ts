import type { Database } from '../database/open-database.ts'
import { namesOf, readMeta } from '../database/read-meta.ts'
import type { MetaRow } from '../database/read-meta.ts'
import { requireState } from '../database/require-active.ts'
import type { DatabaseFacts } from '../usage-store.ts'

const SET_PEPPER_CHECK = `
update api_key_analytics_meta
set pepper_check = $1
where id = 1 and pepper_check is null and state = 'active'`

const SET_KNOWN_AS = `
update api_key_analytics_meta
set known_as = $1
where id = 1 and state = 'active'`

/** More than a server ever gets; the oldest are forgotten. */
const MOST_NAMES = 50

/**
 * Reads what a writer must know about its database, and notes there what the database must know about it.
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
    knownAs: await noteName(db, meta),
  }
}

/**
 * Notes under which name the database was reached: after a move it must recognise the counter files that name it so.
 * A file needs no note, because it can be read itself. Two writers at once may lose a name, which the next flush of its
 * writer notes again.
 */
async function noteName(db: Database, meta: MetaRow): Promise<string[]> {
  const names = namesOf(meta)
  if (db.dialect.kind === 'sqlite' || names.includes(db.databaseLabel)) return names
  const noted = [...names, db.databaseLabel].slice(-MOST_NAMES)
  await db.query(SET_KNOWN_AS, [JSON.stringify(noted)])
  return noted
}
