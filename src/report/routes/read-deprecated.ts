import { AnalyticsError } from '../../model/errors.ts'
import type { DeprecatedCaller, DeprecatedRoute } from '../../model/route.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findHistoryStart } from '../../store/read/find-history-start.ts'
import { findDeprecatedRoutes } from '../../store/routes/find-deprecated-routes.ts'
import { parsePeriod } from '../../time/period.ts'
import { previousPeriod } from '../../time/previous-period.ts'
import { countOf, formatCount } from '../../terminal/format-number.ts'
import { nameOfKey } from '../usage/group-names.ts'
import { noteUndelivered } from '../notes/note-undelivered.ts'
import { noteUnfinished } from '../notes/note-unfinished.ts'
import type { Cell, Column } from '../render/report-table.ts'
import { noteHistory, toReportedPeriod, toReportedPrevious } from '../usage/reported-period.ts'
import { daysUntilSunset, formatSunset, nameOfRoute } from './format-route.ts'
import type { ListReport } from '../render/list-report.ts'

const DEFAULT_PERIOD = '30d'

const COLUMNS: readonly Column[] = [
  { name: 'route', title: 'Route', kind: 'text' },
  { name: 'caller', title: 'Customer or key', kind: 'text' },
  { name: 'requests', title: 'Requests', kind: 'count' },
  { name: 'previousRequests', title: 'Before', kind: 'count', dropFirst: 2 },
  { name: 'change', title: 'Change', kind: 'change', dropFirst: 1 },
  { name: 'lastUsed', title: 'Last call', kind: 'time', dropFirst: 4 },
  { name: 'sunset', title: 'Sunset', kind: 'text', dropFirst: 3 },
]

const CSV_NAMES = [
  'method',
  'endpoint',
  'deprecatedAt',
  'sunsetAt',
  'daysUntilSunset',
  'owner',
  'keyId',
  'keyLabel',
  'keyName',
  'requests',
  'previousRequests',
  'change',
  'lastUsed',
]

/** What to read. */
export interface DeprecatedOrder {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly month?: string | undefined
  readonly tz: string
  /** Callers at most of each route. */
  readonly limit: number
}

/** A route as it is shown, with as many callers as asked for. */
type Shown = DeprecatedRoute & { readonly daysUntilSunset: number | null; readonly callerCount: number }

/** The deprecated routes, and who still calls them. @throws WRONG_USAGE */
export async function readDeprecated(
  db: Database,
  { since, until, month, tz: timeZone, limit }: DeprecatedOrder,
  { dataDir }: { readonly dataDir: string },
  now = new Date(),
): Promise<ListReport> {
  const isGiven = (since ?? until ?? month) !== undefined
  const period = parsePeriod({ since: isGiven ? since : DEFAULT_PERIOD, until, month, timeZone }, now)
  const previous = previousPeriod(period)
  if (!previous)
    throw new AnalyticsError(
      'WRONG_USAGE',
      '--deprecated needs a period with a start that has begun: pass --since or --month.',
    )
  const found = await findDeprecatedRoutes(
    db,
    { since: period.since, until: period.until, previous },
    now.getTime(),
  )
  const reported = toReportedPrevious(previous, await findHistoryStart(db))
  const routes = found.map((route) => toShown(route, limit, now))
  const isCompared = !reported.historyBegins
  const lines = routes.flatMap((route) => linesOf(route).map((caller) => toLine(route, caller, isCompared)))
  return {
    title: 'Deprecated routes and who calls them',
    name: 'deprecated routes',
    fact: toReportedPeriod(period).text,
    timeZone,
    databaseLabel: db.databaseLabel,
    dataDir,
    summary: summarise(routes),
    tables:
      routes.length > 0
        ? [
            {
              columns: COLUMNS,
              rows: routes.flatMap((route) =>
                linesOf(route).map((caller) => toCells(route, caller, isCompared, now)),
              ),
              ...noteRest(routes),
            },
          ]
        : [],
    names: CSV_NAMES,
    lines,
    notes: [
      ...noteUnfinished(period),
      ...noteHistory(reported, timeZone),
      ...(await noteUndelivered(db, dataDir)),
    ],
    data: {
      report: 'deprecated',
      period: toReportedPeriod(period),
      previous: reported,
      routes: routes.map((route) => withChanges(route, isCompared)),
    },
  }
}

function toShown(route: DeprecatedRoute, limit: number, now: Date): Shown {
  const { callers } = route
  return {
    ...route,
    daysUntilSunset: daysUntilSunset(route, now),
    callerCount: callers.length,
    callers: callers.slice(0, limit),
  }
}

function withChanges(route: Shown, isCompared: boolean): object {
  const callers = route.callers.map((caller) =>
    Object.assign({}, caller, { change: isCompared ? changeOf(caller) : null }),
  )
  return { ...route, callers }
}

/** A route that nobody calls has a line too. */
function linesOf({ callers }: Shown): (DeprecatedCaller | undefined)[] {
  return callers.length > 0 ? [...callers] : [undefined]
}

function toCells(route: Shown, caller: DeprecatedCaller | undefined, isCompared: boolean, now: Date): Cell[] {
  const compared = caller && isCompared
  return [
    nameOfRoute(route),
    caller ? nameOfCaller(caller) : '(nobody)',
    caller?.requests ?? 0,
    compared ? caller.previousRequests : null,
    compared ? changeOf(caller) : null,
    caller ? caller.lastUsed : route.lastCalledAt,
    formatSunset(route, now),
  ]
}

function toLine(route: Shown, caller: DeprecatedCaller | undefined, isCompared: boolean) {
  return [
    route.method,
    route.endpoint,
    route.deprecatedAt,
    route.sunsetAt,
    route.daysUntilSunset,
    caller?.owner ?? null,
    caller?.key?.id ?? null,
    caller?.key?.label ?? null,
    caller?.key?.name ?? null,
    caller?.requests ?? 0,
    isCompared ? (caller?.previousRequests ?? 0) : null,
    isCompared && caller ? changeOf(caller) : null,
    caller ? caller.lastUsed : route.lastCalledAt,
  ]
}

function changeOf({ requests, previousRequests }: DeprecatedCaller): number | null {
  return previousRequests > 0 ? requests / previousRequests - 1 : null
}

function nameOfCaller({ owner, key }: DeprecatedCaller): string {
  return owner ?? (key ? nameOfKey(key) : '(none)')
}

function summarise(routes: readonly Shown[]): string {
  if (routes.length === 0)
    return 'No routes are deprecated. "apikey-analytics routes deprecate \'GET /v1/old\' --sunset 2027-01-01" deprecates one.'
  const called = routes.filter(({ requests }) => requests > 0).length
  return `${formatCount(called)} of ${countOf(routes.length, 'deprecated route is', 'deprecated routes are')} still called.`
}

function noteRest(routes: readonly Shown[]): { note?: string } {
  const rest = routes.reduce((sum, { callerCount, callers }) => sum + callerCount - callers.length, 0)
  return rest > 0 ? { note: `${formatCount(rest)} more callers: use a higher --limit, or 0 to see all.` } : {}
}
