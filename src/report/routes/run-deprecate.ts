import { AnalyticsError } from '../../model/errors.ts'
import type { Operation } from '../../model/operation.ts'
import { takesMethod } from '../../model/route.ts'
import type { Route } from '../../model/route.ts'
import type { Database } from '../../store/database/open-database.ts'
import { didYouMean, suggest } from '../../model/suggest.ts'
import { deprecateRoute, undeprecateRoute } from '../../store/routes/deprecate-route.ts'
import { findRoutes } from '../../store/routes/find-routes.ts'
import { formatInstant } from '../../time/calendar.ts'
import { parseInstant } from '../../time/period.ts'
import { parseEndpoint } from '../question/parse-endpoint.ts'
import { daysUntilSunset, formatDistance, nameOfRoute } from './format-route.ts'

/** The flags of `routes deprecate`, parsed. */
export interface DeprecateFlags {
  readonly since?: string | undefined
  readonly sunset?: string | undefined
  readonly link?: string | undefined
}

/** Runs `routes deprecate`. @throws WRONG_USAGE */
export async function runDeprecate(
  db: Database,
  route: string,
  { since, sunset, link }: DeprecateFlags,
  now = new Date(),
): Promise<{ text: string; routes: Route[] }> {
  const given = {
    since: parseDate('since', since, now),
    sunset: parseDate('sunset', sunset, now),
    link,
  }
  const routes: Route[] = []
  for (const operation of await findOperations(db, route)) {
    const changed = await asUsage(() => deprecateRoute(db, { ...operation, ...given }, now.getTime()))
    routes.push(changed.route)
  }
  return { text: routes.map((one) => describe(one, now)).join(''), routes }
}

/** Runs `routes undeprecate`. @throws WRONG_USAGE when the route is not deprecated */
export async function runUndeprecate(
  db: Database,
  route: string,
): Promise<{ text: string; routes: Route[] }> {
  const routes: Route[] = []
  for (const operation of await findOperations(db, route, ({ deprecatedAt }) => deprecatedAt !== null)) {
    const before = await undeprecateRoute(db, operation)
    if (before) routes.push(before)
  }
  if (routes.length === 0) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `${route} is not deprecated. "apikey-analytics report --deprecated" shows those that are.`,
    )
  }
  return { text: routes.map((one) => `${nameOfRoute(one)} is not deprecated any more.\n`).join(''), routes }
}

/** One route, or without a method all of an endpoint. */
async function findOperations(
  db: Database,
  text: string,
  fits: (route: Route) => boolean = () => true,
): Promise<Operation[]> {
  // a method of its own in the list: `* /users` is every method
  const every = /^\* +(\S.*)$/.exec(text)
  const { endpoint = '', method } = every
    ? { endpoint: every[1], method: '*' }
    : parseEndpoint(text, undefined)
  const known = await findRoutes(db, db.dialect, { endpoint })
  if (method !== undefined) {
    const isKnown = known.some((route) => takesMethod(route.method, method))
    if (!isKnown && known.length > 0) throw await unknownRoute(db, text)
    return [{ endpoint, method }]
  }
  const fitting = known.filter(fits)
  if (fitting.length === 0) throw await unknownRoute(db, text)
  return fitting.map((route) => ({ endpoint, method: route.method }))
}

async function unknownRoute(db: Database, text: string): Promise<AnalyticsError> {
  const known = await findRoutes(db, db.dialect)
  const names = text.includes(' ') ? known.map(nameOfRoute) : known.map(({ endpoint }) => endpoint)
  const near = didYouMean(suggest(text, new Set(names)))
  return new AnalyticsError(
    'WRONG_USAGE',
    `There is no route ${text}.${near} "apikey-analytics routes list" shows all.`,
  )
}

/** Only dates: 7d would be seven days ago, which nobody means by a sunset. */
function parseDate(flag: string, text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined
  if (/^\d{4}-/.test(text)) return parseInstant(text, 'UTC', now)
  throw new AnalyticsError(
    'WRONG_USAGE',
    `Cannot read "${text}" as a date. Use --${flag} 2027-01-01 or 2027-01-01T12:00 (UTC).`,
  )
}

/** What the store refuses was wrong usage here. */
async function asUsage<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof AnalyticsError) || error.code !== 'ARGUMENT_INVALID') throw error
    throw new AnalyticsError('WRONG_USAGE', error.message, { cause: error })
  }
}

function describe(route: Route, now: Date): string {
  const { deprecatedAt, sunsetAt, link } = route
  const days = daysUntilSunset(route, now)
  const distance = days === null ? '' : `, ${formatDistance(days)}`
  const sunset = sunsetAt ? `sunset ${formatInstant(sunsetAt, 'UTC')}${distance}` : 'without a sunset'
  const page = link === null ? '' : `; see ${link}`
  return `${nameOfRoute(route)} is deprecated from ${formatInstant(deprecatedAt!, 'UTC')} UTC on, ${sunset}${page}.\n`
}
