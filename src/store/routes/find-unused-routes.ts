import { AnalyticsError } from '../../model/errors.ts'
import { EVERY_METHOD } from '../../model/route.ts'
import type { Route, UnusedRoute, UnusedRoutes, UnusedRoutesOptions, UnusedState } from '../../model/route.ts'
import { OTHER_ENDPOINT } from '../../model/operation.ts'
import { DAY_MS, HOUR_MS } from '../../time/units.ts'
import type { Database } from '../database/open-database.ts'
import { findCompleteUntil } from '../quotas/find-complete-until.ts'
import { chooseCurrent, findRoutes } from './find-routes.ts'

const DEFAULT_DAYS = 90
const MOST_DAYS = 3650
const ORDER: readonly UnusedState[] = ['never', 'stopped', 'new']

const OTHER_CALLED = `
select 1
from api_key_analytics_routes
where endpoint = '${OTHER_ENDPOINT}' and method = '${EVERY_METHOD}' and last_called_at >= `

/**
 * The routes of the running releases without a request in the last complete days. It reads only the table of routes,
 * because each flush notes there when a route was called last.
 * @throws ARGUMENT_INVALID
 */
export async function findUnusedRoutes(
  db: Database,
  { days = DEFAULT_DAYS, completeUntil: known }: UnusedRoutesOptions = {},
  now = Date.now(),
): Promise<UnusedRoutes> {
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS)
    throw new AnalyticsError(
      'ARGUMENT_INVALID',
      `days is ${days}, expected a whole number from 1 to ${MOST_DAYS}.`,
    )
  return db.transaction(async (tx) => {
    const delivered = await findCompleteUntil(tx, db.dialect, now)
    const completeUntil = delivered && known && known < delivered ? known : delivered
    const until = completeUntil && new Date(Math.floor(completeUntil.getTime() / DAY_MS) * DAY_MS)
    const since = until && new Date(until.getTime() - days * DAY_MS)
    const current = chooseCurrent(await findRoutes(tx, db.dialect), now)
    const releases = [...new Set(current.flatMap(({ lastRelease }) => lastRelease ?? []))].sort()
    const head = { days, since, until, completeUntil, routeCount: current.length, releases }
    if (!since) return { ...head, hasOther: false, routes: [] }
    const other = await tx.query(`${OTHER_CALLED}${db.dialect.timeOf('$1')}`, [since.getTime()])
    const routes = current.flatMap((route) => judge(route, since)).sort(byState)
    return { ...head, hasOther: other.length > 0, routes }
  }, 'snapshot')
}

/** Calls are noted once per hour, and a call right before the first registration not at all. */
function judge(route: Route, since: Date): UnusedRoute[] {
  const { firstRegisteredAt, lastRegisteredAt, lastCalledAt } = route
  if (!firstRegisteredAt || !lastRegisteredAt || (lastCalledAt && lastCalledAt >= since)) return []
  const isNew = firstRegisteredAt.getTime() + HOUR_MS > since.getTime()
  const state = isNew ? 'new' : lastCalledAt ? 'stopped' : 'never'
  return [{ ...route, firstRegisteredAt, lastRegisteredAt, state }]
}

/** Stable: routes that are alike stay in the order of their names. */
function byState(a: UnusedRoute, b: UnusedRoute): number {
  const time = ({ state, lastCalledAt, firstRegisteredAt }: UnusedRoute) =>
    (state === 'stopped' ? lastCalledAt! : firstRegisteredAt).getTime()
  return ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || time(a) - time(b)
}
