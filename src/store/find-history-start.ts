import type { Database } from './open-database.ts'

const FIRST_BUCKET = (bucket: string) => `select ${bucket} as first`

/** The start of the first bucket of a database, found by index; undefined for an empty one. */
export async function findHistoryStart(db: Database): Promise<Date | undefined> {
  const bucket = db.dialect.millisecondsOf('(select min(bucket) from api_key_analytics)')
  const [row] = await db.query<{ first: string | number | null }>(FIRST_BUCKET(bucket))
  return row?.first == null ? undefined : new Date(Number(row.first))
}
