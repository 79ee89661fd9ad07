import { SqliteDialect } from 'kysely'
import type { SqliteStatement } from 'kysely'
import { AnalyticsError } from '../../../model/errors.ts'

/** The part of an open file that is used. */
interface OpenFile {
  /** SQLite itself says of each statement whether it writes: https://sqlite.org/c3ref/stmt_readonly.html */
  prepare(sql: string): SqliteStatement & { readonly readonly: boolean }
}

/**
 * An open file without statements that write. Not `pragma query_only`: that is a setting of the connection, which a
 * database in memory shares with the counts that are written to it.
 */
export function readOnlySqlite(file: OpenFile): SqliteDialect {
  return new SqliteDialect({
    database: {
      prepare(sql) {
        const statement = file.prepare(sql)
        if (statement.readonly) return statement
        throw new AnalyticsError(
          'ARGUMENT_INVALID',
          'The MikroORM of getOrm() cannot write. Use a MikroORM of your own for tables of your own; rows of apikey-analytics change only through the app and its commands.',
        )
      },
      // the file belongs to the `Usage`, which closes it
      close() {},
    },
  })
}
