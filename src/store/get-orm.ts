import type { SqlMikroORM } from '@mikro-orm/sql'
import { AnalyticsError } from '../model/errors.ts'
import type { Usage } from '../model/usage.ts'

// Not a property of Usage: its type would make every TypeScript app compile MikroORM's declarations.
const orms = new WeakMap<Usage, SqlMikroORM>()

/** Remembers the MikroORM behind a `Usage`. */
export function noteOrm(usage: Usage, orm: SqlMikroORM): void {
  orms.set(usage, orm)
}

/**
 * The MikroORM behind an open `Usage`, with the exported entities, for queries of your own. It shares the connections
 * of `usage`, and `usage.close()` ends both. Only read with it: a row that it changes is a row that `verify` misses.
 * @throws ARGUMENT_INVALID for anything but what `openUsage()` or `analytics.usage()` gave
 */
export function getOrm(usage: Usage): SqlMikroORM {
  const orm = orms.get(usage)
  if (orm) return orm
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    'getOrm() got something else than an open Usage. Pass what openUsage() or analytics.usage() gave.',
  )
}
