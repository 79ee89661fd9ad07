import type { Statements } from './dialect.ts'

/** The id of the database. */
export async function readDatabaseId(tx: Statements): Promise<string> {
  const [meta] = await tx.query<{ id: string }>(
    'select database_id as id from api_key_analytics_meta where id = 1',
  )
  return meta!.id
}
