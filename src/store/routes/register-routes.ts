import { chunksOf } from '../../model/chunks-of.ts'
import type { Operation } from '../../model/operation.ts'
import type { RouteRegistration } from '../../model/route.ts'
import { HOUR_MS } from '../../time/units.ts'
import type { Dialect } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'

/** Routes in one transaction: other flushes wait for it. */
const CHUNK = 1000
/** A gap without any registration that begins a route anew: it was removed in between, and the app did not just rest. */
const GAP_MS = 30 * 24 * HOUR_MS

const COLUMNS = { endpoint: 'text', method: 'text' }

/** $1 is the time, $2 the release, $3 an hour before, $4 the longest gap before. Most rows of many processes change nothing. */
const UPSERT = (dialect: Dialect, given: string) => `
insert into api_key_analytics_routes as r
  (endpoint, method, first_registered_at, last_registered_at, first_release, last_release)
select endpoint, method, ${dialect.timeOf('$1')}, ${dialect.timeOf('$1')}, cast($2 as text), cast($2 as text)
from ${given}
where true
order by n
on conflict (endpoint, method) do update set
  first_registered_at = case when r.last_registered_at >= ${dialect.timeOf('$4')}
    then r.first_registered_at else excluded.first_registered_at end,
  first_release = case when r.last_registered_at >= ${dialect.timeOf('$4')}
    then r.first_release else excluded.first_release end,
  last_registered_at = case when r.last_registered_at > excluded.last_registered_at
    then r.last_registered_at else excluded.last_registered_at end,
  last_release = excluded.last_release
where r.last_registered_at is null
  or r.last_registered_at < ${dialect.timeOf('$3')}
  or (r.last_registered_at <= excluded.last_registered_at and r.last_release is distinct from excluded.last_release)`

/** Notes that the routes are there now. Each of its transactions waits for its turn, as flushes do. */
export async function registerRoutes(
  db: Database,
  { routes, release, at }: RouteRegistration,
): Promise<void> {
  for (const some of chunksOf(routes, CHUNK)) {
    const rows = some.map(({ endpoint, method }: Operation) => [endpoint, method])
    const given = db.dialect.givenRows(COLUMNS, rows, 5)
    const params = [at, release, at - HOUR_MS, at - GAP_MS, ...given.params]
    await db.transaction((tx) => tx.query(UPSERT(db.dialect, given.sql), params), 'flush')
  }
}
