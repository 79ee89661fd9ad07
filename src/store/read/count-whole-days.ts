import { followLinks } from './follow-links.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterCountedRows, tableOf, timeParameter } from './usage-filter.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import type { UsageFilter, UsageQuery } from '../../model/usage-query.ts'
import { DAY_MS } from '../../time/units.ts'

/**
 * What a period has in rows of whole UTC days, whose hours are unknown: requests, or the quantity of a unit. Reads only
 * the rows at midnights.
 */
export async function countWholeDays(
  db: Database,
  asked: UsageFilter & Pick<UsageQuery, 'unit'> & { readonly since: Date; readonly until: Date },
): Promise<number | bigint> {
  const {
    query: { since, until, ...filter },
  } = await followLinks(db, asked)
  const none = filter.unit === undefined ? 0 : 0n
  const first = Math.ceil(since.getTime() / DAY_MS)
  const count = Math.max(0, Math.ceil(until.getTime() / DAY_MS) - first)
  if (count === 0) return none
  const parameters = new SqlParameters()
  const midnights = Array.from({ length: count }, (_, day) =>
    timeParameter(db.dialect, new Date((first + day) * DAY_MS), parameters),
  )
  const sum = filter.unit === undefined ? 'sum(t.request_count)' : sumExact('t.quantity')
  const [found] = await db.query<{ amount: string | number | null }>(
    `select ${sum} as amount
from ${tableOf(filter)} t
where t.bucket in (${midnights.join(', ')})
and t.bucket_minutes = 1440
and ${filterCountedRows(db.dialect, filter, parameters)}`,
    parameters.values,
  )
  if (found?.amount == null) return none
  return filter.unit === undefined ? Number(found.amount) : readExact(String(found.amount))
}
