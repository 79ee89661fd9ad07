import { filterRows, Parameters, timeParameter } from './usage-filter.ts'
import type { Database } from '../database/open-database.ts'
import type { UsageFilter } from '../../model/usage-query.ts'
import { DAY_MS } from '../../time/units.ts'

/** Requests of a period in rows of whole UTC days, whose hours are unknown. Reads only the rows at midnights. */
export async function countWholeDays(
  db: Database,
  { since, until, ...filter }: UsageFilter & { readonly since: Date; readonly until: Date },
): Promise<number> {
  const first = Math.ceil(since.getTime() / DAY_MS)
  const count = Math.max(0, Math.ceil(until.getTime() / DAY_MS) - first)
  if (count === 0) return 0
  const parameters = new Parameters()
  const midnights = Array.from({ length: count }, (_, day) =>
    timeParameter(db.dialect, new Date((first + day) * DAY_MS), parameters),
  )
  const [found] = await db.query<{ requests: string }>(
    `select coalesce(sum(t.request_count), 0) as requests
from api_key_analytics t
where t.bucket in (${midnights.join(', ')})
and t.bucket_minutes = 1440
and ${filterRows(db.dialect, filter, parameters)}`,
    parameters.values,
  )
  return Number(found?.requests)
}
