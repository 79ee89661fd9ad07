import type { Database } from '../../src/store/open-database.ts'

/** The plan of a statement as one text; on Citus with those of all shards, for some may hold nothing. */
export function explainStatement(db: Database, sql: string, params: readonly unknown[]): Promise<string> {
  return db.transaction(async (tx) => {
    if (db.distributed) await tx.query('set local citus.explain_all_tasks = on')
    const explain = db.dialect.kind === 'sqlite' ? 'explain query plan' : 'explain'
    return JSON.stringify(await tx.query(`${explain} ${sql}`, params))
  })
}
