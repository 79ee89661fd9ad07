import { AnalyticsError } from '../../model/errors.ts'
import type { UnusedRoute, UnusedRoutes } from '../../model/route.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findUnusedRoutes } from '../../store/routes/find-unused-routes.ts'
import { formatInstant } from '../../time/calendar.ts'
import { countOf, formatCount } from '../../terminal/format-number.ts'
import { findFirstWaiting, noteMissing, noteUndelivered } from '../notes/note-undelivered.ts'
import type { Column, ReportTable } from '../render/report-table.ts'
import {
  formatDaysAgo,
  formatDate,
  formatDays,
  formatReleases,
  formatSunset,
  nameOfRoute,
} from './format-route.ts'
import type { ListReport } from '../render/list-report.ts'
import { NO_ROUTES, ROUTE_CSV_NAMES } from './read-route-list.ts'

const MOST_DAYS = 3650

const COLUMNS: readonly Column[] = [
  { name: 'route', title: 'Route', kind: 'text' },
  { name: 'lastCalled', title: 'Last call', kind: 'text' },
  { name: 'registered', title: 'Registered', kind: 'text', dropFirst: 1 },
  { name: 'release', title: 'Release', kind: 'text', dropFirst: 3 },
  { name: 'sunset', title: 'Sunset', kind: 'text', dropFirst: 2 },
]

/** What to read. */
export interface UnusedOrder {
  /** `90d`, `12w` */
  readonly unused: string
  /** Lines at most in each table. */
  readonly limit: number
}

/**
 * The routes that no key has called in the last complete days. Counts that wait in the data folder are not in the
 * database yet, so no day from theirs on is complete.
 * @throws WRONG_USAGE
 */
export async function readUnused(
  db: Database,
  { unused, limit }: UnusedOrder,
  { dataDir }: { readonly dataDir: string },
  now = new Date(),
): Promise<ListReport> {
  const days = parseDays(unused)
  const completeUntil = await findFirstWaiting(db, dataDir)
  const found = await findUnusedRoutes(db, { days, completeUntil }, now.getTime())
  const notes = [...noteOther(found), ...(await noteUndelivered(db, dataDir)), ...(await noteMissing(db))]
  const shown = Object.values(Object.groupBy(found.routes, isNew)).flatMap((routes) => routes.slice(0, limit))
  return {
    title: `Routes without a request in ${formatDays(days)}`,
    name: 'unused routes',
    fact: describePeriod(found),
    timeZone: 'UTC',
    databaseLabel: db.databaseLabel,
    dataDir,
    summary: summarise(found),
    tables: [
      ...tableOf('Not called', found, 'judged', limit, now),
      ...tableOf('Registered too recently to judge', found, 'new', limit, now),
    ],
    names: ['state', ...ROUTE_CSV_NAMES, 'since', 'until', 'completeUntil'],
    lines: shown.map((route) => [
      route.state,
      ...ROUTE_CSV_NAMES.map((name) => route[name]),
      found.since,
      found.until,
      found.completeUntil,
    ]),
    notes,
    data: { report: 'unused', ...found, unusedCount: found.routes.length, routes: shown },
  }
}

function parseDays(text: string): number {
  const [, number, unit] = /^(\d{1,4})([dw])$/.exec(text) ?? []
  const days = Number(number) * (unit === 'w' ? 7 : 1)
  if (days >= 1 && days <= MOST_DAYS) return days
  throw new AnalyticsError(
    'WRONG_USAGE',
    `Cannot read "${text}" as a number of whole days. Use --unused 90d or 12w, ${MOST_DAYS} days at most.`,
  )
}

function describePeriod({ since, until, completeUntil }: UnusedRoutes): string {
  if (!since || !until || !completeUntil) return 'nothing was delivered yet'
  return `${formatDate(since)} to ${formatDate(until)} 00:00 UTC, complete until ${formatInstant(completeUntil, 'UTC')} UTC`
}

function summarise({ routes, routeCount, releases, since }: UnusedRoutes): string {
  if (routeCount === 0) return NO_ROUTES
  if (!since) return 'Nothing can be said: no count was delivered yet.'
  const unused = routes.filter(({ state }) => state !== 'new').length
  const release = releases.length > 0 ? ` (release ${releases.join(', ')})` : ''
  const all = `${countOf(routeCount, 'route')}${release}`
  const found =
    unused === 0 ? `None of ${all} is unused.` : `No key has called ${formatCount(unused)} of ${all}.`
  return `${found} Requests without a key are not counted.`
}

const isNew = ({ state }: UnusedRoute): 'new' | 'judged' => (state === 'new' ? 'new' : 'judged')

function tableOf(
  title: string,
  { routes }: UnusedRoutes,
  which: 'new' | 'judged',
  limit: number,
  now: Date,
): ReportTable[] {
  const listed = routes.filter((route) => isNew(route) === which)
  if (listed.length === 0) return []
  const rest = listed.length - limit
  return [
    {
      title,
      columns: COLUMNS,
      rows: listed.slice(0, limit).map((route) => toCells(route, now)),
      ...(rest > 0 && { note: `${formatCount(rest)} more: use a higher --limit, or 0 to see all.` }),
    },
  ]
}

function toCells(route: UnusedRoute, now: Date): string[] {
  const { state, firstRegisteredAt, lastCalledAt } = route
  return [
    nameOfRoute(route),
    lastCalledAt
      ? formatInstant(lastCalledAt, 'UTC')
      : state === 'new'
        ? 'not yet'
        : 'never since registered',
    state === 'new' ? formatDaysAgo(firstRegisteredAt, now) : formatDate(firstRegisteredAt),
    formatReleases(route),
    formatSunset(route, now),
  ]
}

function noteOther({ hasOther }: UnusedRoutes): string[] {
  return hasOther
    ? [
        'Some requests of this time are counted under (other), because a key called more than maxEndpointsPerKey endpoints. A route listed here may be among them.',
      ]
    : []
}
