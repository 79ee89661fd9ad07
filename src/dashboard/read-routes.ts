import type { Route, ShownRoutes } from '../model/route.ts'
import type { Database } from '../store/database/open-database.ts'
import { findFirstWaiting } from '../report/notes/note-undelivered.ts'
import { findRoutes } from '../store/routes/find-routes.ts'
import { findUnusedRoutes } from '../store/routes/find-unused-routes.ts'
import { readWholeNumber } from '../web/read-query.ts'
import type { Query } from '../web/read-query.ts'

const DEFAULT_DAYS = 30
const DEFAULT_ROWS = 8
const MAX_ROWS = 1000

/** The unused and the deprecated routes, or those of one endpoint. @throws WRONG_USAGE */
export async function readRoutes(
  db: Database,
  { endpoint, days = String(DEFAULT_DAYS), limit = String(DEFAULT_ROWS) }: Query,
  dataDir: string,
): Promise<ShownRoutes> {
  const most = readWholeNumber('limit', limit, 1, MAX_ROWS)
  const { routes, ...found } = await findUnusedRoutes(db, {
    days: readWholeNumber('days', days, 1, 3650),
    completeUntil: await findFirstWaiting(db, dataDir),
  })
  const isShown = (route: Route) => endpoint === undefined || route.endpoint === endpoint
  const unused = routes.filter((route) => route.state !== 'new' && isShown(route))
  const all = await findRoutes(db, db.dialect, endpoint === undefined ? {} : { endpoint })
  const deprecated = all.filter(({ deprecatedAt }) => deprecatedAt !== null).sort(bySunset)
  return {
    ...found,
    unusedCount: unused.length,
    unused: unused.slice(0, most),
    deprecatedCount: deprecated.length,
    deprecated: deprecated.slice(0, most),
  }
}

function bySunset(a: Route, b: Route): number {
  return (a.sunsetAt?.getTime() ?? Infinity) - (b.sunsetAt?.getTime() ?? Infinity) || 0
}
