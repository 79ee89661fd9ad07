import type { Database } from '../../../src/store/database/open-database.ts'

/** The plan of a statement as one text. */
export function explainStatement(db: Database, sql: string, params: readonly unknown[]): Promise<string> {
  return db.transaction(async (tx) => {
    // a shard may hold so little that reading all of it is best: there it counts that an index would fit
    if (db.distributed) {
      await tx.query("set local citus.propagate_set_commands = 'local'")
      await tx.query('set local enable_seqscan = off')
    }
    const explain = db.dialect.kind === 'sqlite' ? 'explain query plan' : 'explain'
    return JSON.stringify(await tx.query(`${explain} ${sql}`, params))
  })
}
