import { chunksOf } from '../../model/chunks-of.ts'
import { isReservedKey } from '../../model/key.ts'
import { EVERY_METHOD, takesMethod } from '../../model/route.ts'
import type { DeprecatedCaller, DeprecatedRoute, DeprecatedRoutesOptions, Route } from '../../model/route.ts'
import type { OperationFilter } from '../../model/usage-query.ts'
import type { UsageRow } from '../../model/usage-row.ts'
import { DAY_MS } from '../../time/units.ts'
import type { Database } from '../database/open-database.ts'
import { findUsage } from '../read/find-usage.ts'
import { requireTime } from '../read/usage-filter.ts'
import { findRoutes } from './find-routes.ts'

const DEFAULT_DAYS = 30
/** Routes per statement: SQLite takes conditions of 1000 parts. */
const CHUNK = 200

/** The requests of a caller in both periods. */
interface Caller {
  readonly owner: string | null
  readonly key: DeprecatedCaller['key']
  requests: number
  previousRequests: number
  lastUsed: Date | null
}

/**
 * The deprecated routes and who calls them: those with the most requests first. A request belongs to the owner that the
 * key had at its time.
 * @throws ARGUMENT_INVALID
 */
export async function findDeprecatedRoutes(
  db: Database,
  { since, until, previous }: DeprecatedRoutesOptions = {},
  now = Date.now(),
): Promise<DeprecatedRoute[]> {
  const end = until ? requireTime(until) : now
  const start = since ? requireTime(since) : end - DEFAULT_DAYS * DAY_MS
  const before = previous ?? { since: new Date(start - (end - start)), until: new Date(start) }
  const routes = (await findRoutes(db, db.dialect)).filter(({ deprecatedAt }) => deprecatedAt !== null)
  const found: DeprecatedRoute[] = []
  for (const chunk of chunksOf(routes, CHUNK)) {
    const rows = await findCalls(db, chunk, { since: new Date(start), until })
    const earlier = await findCalls(db, chunk, before)
    for (const route of chunk) found.push(sumUp(route, rows, earlier))
  }
  return found.sort((a, b) => b.requests - a.requests || b.previousRequests - a.previousRequests)
}

async function findCalls(
  db: Database,
  routes: readonly Route[],
  { since, until }: { readonly since: Date; readonly until?: Date | undefined },
): Promise<UsageRow[]> {
  return findUsage(db, {
    since,
    until,
    operations: routes.flatMap(toFilters),
    by: ['method', 'endpoint', 'owner', 'key'],
  })
}

function toFilters({ endpoint, method }: Route): OperationFilter[] {
  if (method === EVERY_METHOD) return [{ endpoint }]
  return method === 'GET'
    ? [
        { endpoint, method },
        { endpoint, method: 'HEAD' },
      ]
    : [{ endpoint, method }]
}

function sumUp(route: Route, rows: readonly UsageRow[], earlier: readonly UsageRow[]): DeprecatedRoute {
  const callers = new Map<string, Caller>()
  for (const row of rows) {
    if (!isOf(row, route)) continue
    const caller = callerOf(row, callers)
    caller.requests += row.requestCount
    if (!caller.lastUsed || row.lastBucket > caller.lastUsed) caller.lastUsed = row.lastBucket
  }
  for (const row of earlier) if (isOf(row, route)) callerOf(row, callers).previousRequests += row.requestCount
  const list = [...callers.values()].sort(
    (a, b) => b.requests - a.requests || b.previousRequests - a.previousRequests,
  )
  const sum = (name: 'requests' | 'previousRequests') => list.reduce((total, one) => total + one[name], 0)
  const last = Math.max(...list.map(({ lastUsed }) => lastUsed?.getTime() ?? 0))
  return {
    ...route,
    deprecatedAt: route.deprecatedAt!,
    requests: sum('requests'),
    previousRequests: sum('previousRequests'),
    lastUsed: last > 0 ? new Date(last) : null,
    callers: list,
  }
}

function isOf(row: UsageRow, { endpoint, method }: Route): boolean {
  return row.endpoint === endpoint && takesMethod(method, row.method!)
}

function callerOf({ owner = null, key }: UsageRow, callers: Map<string, Caller>): Caller {
  const { id, label, name } = key!
  const isKey = owner === null || isReservedKey(id)
  const place = JSON.stringify(isKey ? [null, id] : [owner])
  const known = callers.get(place)
  if (known) return known
  const caller = {
    owner: isKey ? null : owner,
    key: isKey ? { id, label, name } : null,
    requests: 0,
    previousRequests: 0,
    lastUsed: null,
  }
  callers.set(place, caller)
  return caller
}
