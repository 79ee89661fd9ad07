import type { SqlMikroORM } from '@mikro-orm/sql'
import { AnalyticsError } from '../model/errors.ts'
import type { Usage } from '../model/usage.ts'

// Not a property of Usage: its type would make every TypeScript app compile MikroORM's declarations.
const orms = new WeakMap<Usage, SqlMikroORM>()

/** Remembers the MikroORM of a `Usage`. */
export function noteOrm(usage: Usage, orm: SqlMikroORM): void {
  orms.set(usage, orm)
}

/**
 * The MikroORM of an open `Usage`, with the exported entities, for your own queries. It shares the connections of
 * `usage`, and `usage.close()` closes both. Only read with it: `verify` reports rows that it changes as a difference.
 * @throws ARGUMENT_INVALID for anything that `openUsage()` or `analytics.usage()` did not return
 */
export function getOrm(usage: Usage): SqlMikroORM {
  const orm = orms.get(usage)
  if (orm) return orm
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    'getOrm() needs an open Usage. Pass what openUsage() or analytics.usage() returned.',
  )
}
