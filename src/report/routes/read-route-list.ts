import type { ListedRoute } from '../../model/route.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findListedRoutes } from '../../store/routes/find-routes.ts'
import { formatInstant } from '../../time/calendar.ts'
import type { Column, ReportTable } from '../render/report-table.ts'
import { formatDate, formatReleases, formatSunset, nameOfRoute } from './format-route.ts'
import type { ListReport } from '../render/list-report.ts'
import { countOf } from '../../terminal/format-number.ts'

const COLUMNS: readonly Column[] = [
  { name: 'route', title: 'Route', kind: 'text' },
  { name: 'registered', title: 'Registered', kind: 'text', dropFirst: 3 },
  { name: 'release', title: 'Release', kind: 'text', dropFirst: 4 },
  { name: 'lastCalled', title: 'Last call', kind: 'text', dropFirst: 1 },
  { name: 'deprecated', title: 'Deprecated', kind: 'text', dropFirst: 2 },
  { name: 'sunset', title: 'Sunset', kind: 'text' },
  { name: 'state', title: '', kind: 'text', dropFirst: 5 },
]

/** The columns of a route in CSV. */
export const ROUTE_CSV_NAMES = [
  'method',
  'endpoint',
  'firstRegisteredAt',
  'lastRegisteredAt',
  'firstRelease',
  'lastRelease',
  'lastCalledAt',
  'deprecatedAt',
  'sunsetAt',
  'link',
] as const

/** The registered and the deprecated routes. */
export async function readRouteList(
  db: Database,
  { dataDir }: { readonly dataDir: string },
  now = new Date(),
): Promise<ListReport> {
  const routes = await findListedRoutes(db, db.dialect)
  const current = routes.filter(({ isCurrent }) => isCurrent).length
  const deprecated = routes.filter(({ deprecatedAt }) => deprecatedAt).length
  return {
    title: 'Routes',
    name: 'routes',
    fact: `as of ${formatInstant(now, 'UTC')} UTC`,
    timeZone: 'UTC',
    databaseLabel: db.databaseLabel,
    dataDir,
    summary:
      routes.length > 0
        ? `${countOf(current, 'route')} of the running releases, ${routes.length - current} that no app has any more, ${deprecated} deprecated.`
        : NO_ROUTES,
    tables: routes.length > 0 ? [tableOf(routes, now)] : [],
    names: [...ROUTE_CSV_NAMES, 'isCurrent'],
    lines: routes.map((route) => [...ROUTE_CSV_NAMES.map((name) => route[name]), route.isCurrent]),
    notes: [],
    data: { routes },
  }
}

/** The last column only where it says something. */
function tableOf(routes: readonly ListedRoute[], now: Date): ReportTable {
  const rows = routes.map((route) => toCells(route, now))
  const width = rows.some((row) => row.at(-1)) ? COLUMNS.length : COLUMNS.length - 1
  return { columns: COLUMNS.slice(0, width), rows: rows.map((row) => row.slice(0, width)) }
}

/** What to do where nothing was registered. */
export const NO_ROUTES =
  'No routes are registered. Give your routers to the option "routes" of apiKeyAnalytics(): the app registers them with its next flush.'

function toCells(route: ListedRoute, now: Date): string[] {
  const { firstRegisteredAt, lastCalledAt, deprecatedAt, isCurrent } = route
  const state = isCurrent
    ? ''
    : firstRegisteredAt
      ? `gone since ${formatDate(route.lastRegisteredAt)}`
      : 'not registered'
  return [
    nameOfRoute(route),
    formatDate(firstRegisteredAt),
    formatReleases(route),
    lastCalledAt ? formatInstant(lastCalledAt, 'UTC') : firstRegisteredAt ? 'never' : '',
    formatDate(deprecatedAt),
    formatSunset(route, now),
    state,
  ]
}
