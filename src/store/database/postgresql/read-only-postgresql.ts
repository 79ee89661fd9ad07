import { CompiledQuery, PostgresDialect, PostgresDriver } from 'kysely'
import type { DatabaseConnection, PostgresPool, TransactionSettings } from 'kysely'
import Cursor from 'pg-cursor'

type Connection = Parameters<PostgresDriver['releaseConnection']>[0]

/**
 * Connections of a pool, each in a read-only transaction from when it is taken until it is given back. Not a setting
 * of the session: PgBouncer refuses it at the start, and in transaction mode it would stay on a connection that another
 * client gets next.
 */
export class ReadOnlyPostgresql extends PostgresDialect {
  readonly #pool: PostgresPool

  constructor(pool: PostgresPool) {
    super({ pool })
    this.#pool = pool
  }

  override createDriver(): PostgresDriver {
    return new ReadOnlyDriver({ pool: this.#pool, cursor: Cursor })
  }
}

class ReadOnlyDriver extends PostgresDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = (await super.acquireConnection()) as Connection
    try {
      await connection.executeQuery(CompiledQuery.raw('begin read only'))
      return connection
    } catch (error) {
      await super.releaseConnection(connection)
      throw error
    }
  }

  override async releaseConnection(connection: Connection): Promise<void> {
    // Ignored: only a lost connection fails here, and the pool closes it.
    await connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => {})
    await super.releaseConnection(connection)
  }

  /** The transaction is open already. */
  override async beginTransaction(
    connection: DatabaseConnection,
    { isolationLevel }: TransactionSettings,
  ): Promise<void> {
    if (!isolationLevel) return
    await connection.executeQuery(CompiledQuery.raw(`set transaction isolation level ${isolationLevel}`))
  }

  /** Kysely gives the connection back next, which ends the transaction. */
  override async commitTransaction(): Promise<void> {}

  override async rollbackTransaction(): Promise<void> {}

  /** The pool belongs to the `Usage`, which closes it. */
  override async destroy(): Promise<void> {}
}
