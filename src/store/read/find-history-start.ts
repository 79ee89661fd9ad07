import type { Dialect } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'

/** One look-up in the index on bucket. */
export const HISTORY_START = (dialect: Dialect): string =>
  `select ${dialect.millisecondsOf('(select min(bucket) from api_key_analytics)')} as first`

/** The start of the first bucket of a database; undefined when it is empty. */
export async function findHistoryStart(db: Database): Promise<Date | undefined> {
  const [row] = await db.query<{ first: string | number | null }>(HISTORY_START(db.dialect))
  return row?.first == null ? undefined : new Date(Number(row.first))
}
