import type { Deprecation, ListedRoute, Route } from '../../model/route.ts'
import { OTHER_ENDPOINT } from '../../model/operation.ts'
import { DAY_MS } from '../../time/units.ts'
import type { Dialect, Statements } from '../database/dialect.ts'

/** Processes register their routes at least once a day, so what was registered this long before the newest is gone. */
const CURRENT_MS = 2 * DAY_MS

const TIMES = ['first_registered_at', 'last_registered_at', 'last_called_at', 'deprecated_at', 'sunset_at']

/** A route has been registered or deprecated; other rows are what a prune left. `(other)` is no route. */
const READ = (dialect: Dialect, where: string) => `
select endpoint, method, first_release, last_release, link,
  ${TIMES.map((time) => `${dialect.millisecondsOf(time)} as ${time}`).join(',\n  ')}
from api_key_analytics_routes
where (last_registered_at is not null or deprecated_at is not null) and endpoint <> '${OTHER_ENDPOINT}'${where}
order by endpoint, method`

type Row = Record<
  'first_registered_at' | 'last_registered_at' | 'last_called_at' | 'deprecated_at' | 'sunset_at',
  string | number | null
> & {
  readonly endpoint: string
  readonly method: string
  readonly first_release: string | null
  readonly last_release: string | null
  readonly link: string | null
}

/** All routes, in byte order of endpoint and method; with `endpoint` only those of that one. */
export async function findRoutes(
  tx: Statements,
  dialect: Dialect,
  { endpoint }: { readonly endpoint?: string } = {},
): Promise<Route[]> {
  const rows =
    endpoint === undefined
      ? await tx.query<Row>(READ(dialect, ''))
      : await tx.query<Row>(READ(dialect, ' and endpoint = $1'), [endpoint])
  return rows.map(toRoute)
}

/** All routes, and which of them an app has now. */
export async function findListedRoutes(
  tx: Statements,
  dialect: Dialect,
  now = Date.now(),
): Promise<ListedRoute[]> {
  const routes = await findRoutes(tx, dialect)
  const current = new Set(chooseCurrent(routes, now))
  return routes.map((route) => Object.assign(route, { isCurrent: current.has(route) }))
}

/** The routes that an app has now, of all routes. A process whose clock is ahead must not make all others look gone. */
export function chooseCurrent(routes: readonly Route[], now: number): Route[] {
  const registeredAt = ({ lastRegisteredAt }: Route) => lastRegisteredAt?.getTime() ?? -Infinity
  const newest = Math.min(now, Math.max(...routes.map(registeredAt)))
  return routes.filter((route) => registeredAt(route) >= newest - CURRENT_MS && registeredAt(route) > 0)
}

/** The deprecated routes, at most `limit`. */
export async function findDeprecations(
  tx: Statements,
  dialect: Dialect,
  limit: number,
): Promise<Deprecation[]> {
  const rows = await tx.query<Row>(`${READ(dialect, ' and deprecated_at is not null')}\nlimit $1`, [limit])
  return rows.map((row) => {
    const { endpoint, method, deprecatedAt, sunsetAt, link } = toRoute(row)
    return { endpoint, method, deprecatedAt: deprecatedAt!, sunsetAt, link }
  })
}

function toRoute(row: Row): Route {
  return {
    endpoint: row.endpoint,
    method: row.method,
    firstRegisteredAt: toTime(row.first_registered_at),
    lastRegisteredAt: toTime(row.last_registered_at),
    firstRelease: row.first_release,
    lastRelease: row.last_release,
    lastCalledAt: toTime(row.last_called_at),
    deprecatedAt: toTime(row.deprecated_at),
    sunsetAt: toTime(row.sunset_at),
    link: row.link,
  }
}

function toTime(milliseconds: string | number | null): Date | null {
  return milliseconds === null ? null : new Date(Number(milliseconds))
}
