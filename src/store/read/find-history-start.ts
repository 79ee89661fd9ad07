import type { Dialect } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'

/** One look-up in the index on bucket. */
export const HISTORY_START = (dialect: Dialect): string =>
  `select ${dialect.millisecondsOf('(select min(bucket) from api_key_analytics)')} as first`

/** The same of one unit: along the index until its first row, which is near when the unit is as old as the others. */
const HISTORY_START_OF_UNIT = (dialect: Dialect): string =>
  `select ${dialect.millisecondsOf(
    '(select bucket from api_key_analytics_quantities where unit = $1 order by bucket limit 1)',
  )} as first`

/** The start of the first bucket of a database, or of one with a unit; undefined when there is none. */
export async function findHistoryStart(db: Database, unit?: string): Promise<Date | undefined> {
  const [row] = await db.query<{ first: string | number | null }>(
    unit === undefined ? HISTORY_START(db.dialect) : HISTORY_START_OF_UNIT(db.dialect),
    unit === undefined ? [] : [unit],
  )
  return row?.first == null ? undefined : new Date(Number(row.first))
}
