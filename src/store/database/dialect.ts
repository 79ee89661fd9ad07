import type { Database as SqliteFile } from 'better-sqlite3'
import type { Pool } from 'pg'
import type { HistogramDialect } from './histogram.ts'

/** Runs statements; `$1`, `$2` … are the parameters on both databases. */
export interface Statements {
  /**
   * The rows of one statement. PostgreSQL gives bigint as string: convert with `Number` at the store's edge.
   * Times are read with `dialect.millisecondsOf` and written with `dialect.timeOf`.
   * @throws AnalyticsError
   */
  query<Row>(sql: string, params?: readonly unknown[]): Promise<Row[]>
}

/**
 * `write` waits for its turn before it reads anything. `turn` is a short `write`, one of many; it releases its locks
 * when its process is stopped. `flush` is a `turn` that also waits for other flushes. `snapshot` sees one state of the
 * database and writes nothing. `close` sees one state too, from its first statement that is not a lock on, and writes.
 *
 * `write`, `turn` and `flush` fail with DATABASE_MOVED unless the database is active, and so must whoever uses `close`
 * (see `requireActive`). These are for any state: `schema` changes tables, `hold` is a `turn` that only reads, `fill` is
 * a `turn` of `move` that writes, and `switch` changes the state: it waits for all who write, and they wait for it.
 */
export type TransactionMode =
  | 'write'
  | 'turn'
  | 'flush'
  | 'snapshot'
  | 'close'
  | 'schema'
  | 'hold'
  | 'fill'
  | 'switch'

/** An open connection, or several behind one pool. */
export interface DatabaseSession extends Statements {
  /** Commits when `run` resolves and rolls back when it throws. Inside, only `tx` may be used. */
  transaction<T>(run: (tx: Statements) => Promise<T>, mode?: TransactionMode): Promise<T>
  /**
   * The rows of one `select` in COPY's binary format, in pieces of any size; PostgreSQL only. Stopping early also ends
   * the statement.
   */
  readonly copy?: (sql: string, params: readonly unknown[]) => AsyncIterable<Buffer>
  /** False after the file was deleted or replaced: what is written then is lost. */
  isCurrent(): boolean
}

/** The driver's own connections, which MikroORM shares when it is asked for. */
export type Connections =
  | { readonly kind: 'sqlite'; readonly file: SqliteFile }
  | {
      readonly kind: 'postgresql'
      readonly pool: Pool
      readonly databaseName: string
      /** With our tables: the first one of the `search_path`. */
      readonly schema: string
    }

/** How a database is opened. */
export interface OpenOptions {
  /** SQLite: create the file when it does not exist. Default false: DATABASE_NOT_FOUND. */
  readonly create?: boolean
  /** PostgreSQL: most connections. Default 5. */
  readonly maxConnections?: number
  /** PostgreSQL: how long one statement may take before its connection counts as dead. Default: no limit. */
  readonly statementTimeoutMs?: number
  /** PostgreSQL: lift the `statement_timeout` of the role or the database, for commands that may take long. */
  readonly liftTimeout?: boolean
  /** PostgreSQL: the longest silence in a `turn` or a `flush` before the server ends it. Default 5000. */
  readonly longestSilenceMs?: number
  /** PostgreSQL: how long a server may take to answer what it can answer at once. Default 10 000. */
  readonly answerTimeoutMs?: number
  /** SQLite: how long a statement waits for the lock of another process. Default 5000. */
  readonly lockWaitMs?: number
}

/** All differences between the two databases. */
export interface Dialect {
  readonly kind: 'sqlite' | 'postgresql'
  /** SQL for the epoch milliseconds of a time. */
  millisecondsOf(time: string): string
  /** SQL for the time of a number of epoch milliseconds. */
  timeOf(milliseconds: string): string
  /** SQL for the day of the month, in UTC, of a number of epoch milliseconds. */
  dayOfMonth(milliseconds: string): string
  /**
   * SQL that makes rows of parameters usable in a `from`: the given columns, and `n`, their order. `columns` maps a
   * name to its PostgreSQL type; `first` is the number of the first parameter.
   */
  givenRows(
    columns: Readonly<Record<string, string>>,
    rows: readonly (readonly unknown[])[],
    first: number,
  ): { sql: string; params: unknown[] }
  /** The columns of the primary key in the order of the rows on disk, so that reading all rows is fast. */
  readonly storedOrder: readonly string[]
  /** SQL for the sum of two whole numbers; a statement in which it is 2^63 or more fails, and nothing is rounded. */
  addWhole(a: string, b: string): string
  /** SQL for a JSON array, as text, of one value per row. */
  jsonColumn(value: string): string
  /**
   * SQL for the value of a column as text, and for the value of such a text. The text is the same on both databases: a
   * time is in epoch milliseconds, an array is JSON. `type` is the type of the column in this database.
   */
  textOf(column: string, type: string): string
  valueOf(text: string, type: string): string
  /** SQL that deletes all rows of tables; a table comes after those that it refers to. */
  empty(tables: readonly string[]): string[]
  /** SQL after rows with given numbers: the next number of a column that counts up is above all of them. */
  continueNumbers(table: string, column: string): string | undefined
  /** How histograms of durations are merged, summed up and read. */
  readonly histogram: HistogramDialect
  /**
   * SQL for the names of those tables of a JSON array ($1) that have row level security for this role; undefined where
   * the database has none.
   */
  readonly hidingTables: string | undefined
  /** SQL for the columns (`name` of the table, `column_name`) of those tables of a JSON array ($1) that exist. */
  readonly columns: string
  /**
   * SQL that tries to take the lock for migrations (`taken`), held until the transaction ends, and SQL for its holder
   * (`pid`). Undefined where the write lock is enough.
   */
  readonly migrationLock: { readonly take: string; readonly holder: string } | undefined
  /** SQL that creates MikroORM's list of migrations, the same as MikroORM creates it. */
  readonly migrationsTable: string
  /** Connects, or fails. */
  open(options: OpenOptions): Promise<{
    connections: Connections
    session: DatabaseSession
    distributed: boolean
    close: () => Promise<void>
  }>
}
