import { AnalyticsError } from '../../model/errors.ts'
import type { Operation } from '../../model/operation.ts'
import { takesMethod } from '../../model/route.ts'
import type { NewDeprecation, Route } from '../../model/route.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { requireTime } from '../read/usage-filter.ts'
import { findRoutes } from './find-routes.ts'

/** Longest URL of a page: it is sent with each response. */
const LONGEST_LINK = 1000
/** HTTP dates have years of four digits. */
const LAST_YEAR = 9999

const UPSERT = (dialect: Dialect) => `
insert into api_key_analytics_routes (endpoint, method, deprecated_at, sunset_at, link)
values ($1, $2, ${dialect.timeOf('$3')}, ${dialect.timeOf('$4')}, $5)
on conflict (endpoint, method) do update set
  deprecated_at = excluded.deprecated_at,
  sunset_at = excluded.sunset_at,
  link = excluded.link`

const REMOVE = `
update api_key_analytics_routes
set deprecated_at = null, sunset_at = null, link = null
where endpoint = $1 and method = $2`

/** A row that says nothing any more. */
const DELETE = `
delete from api_key_analytics_routes
where endpoint = $1 and method = $2 and last_registered_at is null and last_called_at is null`

/** By the primary key where a key has called it lately; else all rows are read, once. */
const COUNTED = 'select 1 from api_key_analytics where endpoint = $1 and method = $2 limit 1'

/**
 * Deprecates an operation, or changes what was said of it. It must be registered or have been called, so that a typing
 * error is noticed.
 * @returns the route as it was before and as it is now
 * @throws ARGUMENT_INVALID
 */
export async function deprecateRoute(
  db: Database,
  given: NewDeprecation,
  now = Date.now(),
): Promise<{ before: Route | undefined; route: Route }> {
  requireOperation(given)
  const { endpoint, method } = given
  return db.transaction(async (tx) => {
    const routes = await findRoutes(tx, db.dialect, { endpoint })
    const before = routes.find((route) => route.method === method)
    if (!routes.some((route) => takesMethod(route.method, method))) await requireCounted(tx, given)
    const since = given.since ?? before?.deprecatedAt ?? new Date(now)
    const sunset = given.sunset === undefined ? (before?.sunsetAt ?? null) : given.sunset
    const link = readLink(given.link === undefined ? (before?.link ?? null) : given.link)
    requireOrder(since, sunset)
    const times = [since.getTime(), sunset?.getTime() ?? null]
    await tx.query(UPSERT(db.dialect), [endpoint, method, ...times, link])
    return { before, route: (await findRoute(tx, db.dialect, given))! }
  })
}

/** Takes a deprecation back. @returns the route as it was; undefined when it was not deprecated */
export async function undeprecateRoute(db: Database, operation: Operation): Promise<Route | undefined> {
  requireOperation(operation)
  const { endpoint, method } = operation
  return db.transaction(async (tx) => {
    const before = await findRoute(tx, db.dialect, operation)
    if (!before?.deprecatedAt) return undefined
    await tx.query(REMOVE, [endpoint, method])
    await tx.query(DELETE, [endpoint, method])
    return before
  })
}

async function findRoute(
  tx: Statements,
  dialect: Dialect,
  { endpoint, method }: Operation,
): Promise<Route | undefined> {
  return (await findRoutes(tx, dialect, { endpoint })).find((route) => route.method === method)
}

/** The app may not use TypeScript. */
function requireOperation({ endpoint, method }: Operation): void {
  if (typeof endpoint === 'string' && endpoint !== '' && typeof method === 'string' && method !== '') return
  throw new AnalyticsError('ARGUMENT_INVALID', "A route is { method: 'GET', endpoint: '/users/:id' }.")
}

async function requireCounted(tx: Statements, { endpoint, method }: Operation): Promise<void> {
  if ((await tx.query(COUNTED, [endpoint, method])).length > 0) return
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    `No app has registered ${method} ${endpoint}, and no key has called it. "apikey-analytics routes list" shows all routes.`,
  )
}

function requireOrder(since: Date, sunset: Date | null): void {
  requireTime(since)
  if (sunset === null) return
  requireTime(sunset)
  if (sunset.getUTCFullYear() > LAST_YEAR)
    throw new AnalyticsError('ARGUMENT_INVALID', `The sunset is after the year ${LAST_YEAR}.`)
  if (sunset >= since) return
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    `The sunset (${sunset.toISOString()}) is before the deprecation (${since.toISOString()}). Give an earlier --since, or a later --sunset.`,
  )
}

/** As it is sent: a URL without characters that would end the header. */
function readLink(link: string | null): string | null {
  if (link === null) return null
  const url = URL.canParse(link) ? new URL(link) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url && isWeb && !url.username && !url.password && url.href.length <= LONGEST_LINK) return url.href
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    `The link is no URL that can be sent. Use one such as https://example.com/changes, of at most ${LONGEST_LINK} characters.`,
  )
}
