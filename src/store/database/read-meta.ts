import { AnalyticsError } from '../../model/errors.ts'
import type { Statements } from './dialect.ts'
import type { Database } from './open-database.ts'
import type { StateRow } from './require-active.ts'

/** What a database knows about itself. */
export interface MetaRow extends StateRow {
  readonly database_id: string
  readonly pepper_check: string | null
  readonly move_id: string | null
}

const READ_META = (since: string) => `
select database_id, pepper_check, state, other_database, ${since} as state_since, move_id
from api_key_analytics_meta
where id = 1`

/** @throws DATABASE_NOT_MIGRATED when the row is gone */
export async function readMeta(
  db: Statements & Pick<Database, 'dialect' | 'databaseLabel'>,
): Promise<MetaRow> {
  const [meta] = await db.query<MetaRow>(READ_META(db.dialect.millisecondsOf('state_since')))
  if (meta) return meta
  throw new AnalyticsError(
    'DATABASE_NOT_MIGRATED',
    `api_key_analytics_meta is empty in ${db.databaseLabel}. Restore its row from a backup: it has the id of the database.`,
  )
}
