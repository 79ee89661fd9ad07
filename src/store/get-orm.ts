import type { SqlMikroORM } from '@mikro-orm/sql'
import { AnalyticsError } from '../model/errors.ts'
import type { Usage } from '../model/usage.ts'

// Not a property of Usage: its type would make every TypeScript app compile MikroORM's declarations.
const orms = new WeakMap<Usage, () => SqlMikroORM>()

/** Remembers how to make the MikroORM of a `Usage`, which most programs never ask for. */
export function noteOrm(usage: Usage, create: () => SqlMikroORM): void {
  let orm: SqlMikroORM | undefined
  orms.set(usage, () => (orm ??= create()))
}

/**
 * A MikroORM with the exported entities for your own queries. It shares the connections of `usage` until
 * `usage.close()`, and it cannot write: on PostgreSQL each statement and transaction of it is a `read only`
 * transaction, also through PgBouncer; on SQLite it refuses statements that SQLite says would write.
 * @throws ARGUMENT_INVALID for anything that `openUsage()` or `analytics.usage()` did not return
 */
export function getOrm(usage: Usage): SqlMikroORM {
  const orm = orms.get(usage)
  if (orm) return orm()
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    'getOrm() needs an open Usage. Pass what openUsage() or analytics.usage() returned.',
  )
}
