import type { SqlMikroORM } from '@mikro-orm/sql'
import { AnalyticsError } from '../model/errors.ts'
import type { Usage } from '../model/usage.ts'
import { databaseOf } from './database-of.ts'
import { readOnlyOrm } from './database/read-only-orm.ts'

/**
 * A MikroORM with the exported entities for your own queries. It shares the connections of `usage` until
 * `usage.close()`, and it cannot write: on PostgreSQL each statement and transaction of it is a `read only`
 * transaction, also through PgBouncer; on SQLite it refuses statements that SQLite says would write.
 * @throws ARGUMENT_INVALID for anything that `openUsage()` or `analytics.usage()` did not return
 */
export function getOrm(usage: Usage): SqlMikroORM {
  const db = databaseOf(usage)
  if (db) return readOnlyOrm(db)
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    'getOrm() needs an open Usage. Pass what openUsage() or analytics.usage() returned.',
  )
}
