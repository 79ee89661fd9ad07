import type { SqlMikroORM } from '@mikro-orm/sql'
import type { HistogramDialect } from './histogram.ts'

/** Runs statements; `$1`, `$2` … stand for the parameters on both databases. */
export interface Statements {
  /**
   * The rows of one statement. PostgreSQL gives bigint as string: convert with `Number` at the store's edge.
   * Times are read with `dialect.millisecondsOf` and written with `dialect.timeOf`.
   * @throws AnalyticsError
   */
  query<Row>(sql: string, params?: readonly unknown[]): Promise<Row[]>
}

/**
 * `write` waits for its turn before it reads anything. `turn` is a short `write` of many that must not hold its locks
 * when its process is stopped, and `flush` is one that waits for other flushes too. `snapshot` sees one state of the
 * database and writes nothing.
 */
export type TransactionMode = 'write' | 'turn' | 'flush' | 'snapshot'

/** An open connection, or several behind one pool. */
export interface Session extends Statements {
  /** Commits when `run` resolves and rolls back when it throws. Inside, only `tx` may be used. */
  transaction<T>(run: (tx: Statements) => Promise<T>, mode?: TransactionMode): Promise<T>
  /**
   * The rows of one `select` as COPY's binary format, in pieces of any size: PostgreSQL only. Whoever stops early
   * ends the statement too.
   */
  readonly copy?: (sql: string, params: readonly unknown[]) => AsyncIterable<Buffer>
  /** False once the file was deleted or replaced: what is written then is lost. */
  isCurrent(): boolean
}

/** How a database is opened. */
export interface OpenOptions {
  /** SQLite: make the file when it is not there. Default false: DATABASE_NOT_FOUND. */
  readonly create?: boolean
  /** PostgreSQL: connections at most. Default 5. */
  readonly maxConnections?: number
  /** PostgreSQL: how long one statement may take before its connection is taken for dead. Default: for ever. */
  readonly statementTimeoutMs?: number
  /** PostgreSQL: lift the `statement_timeout` of the role or the database, for who asked for a long answer. */
  readonly liftTimeout?: boolean
}

/** Everything in which the two databases differ. */
export interface Dialect {
  readonly kind: 'sqlite' | 'postgresql'
  /** SQL for the epoch milliseconds of a time. */
  millisecondsOf(time: string): string
  /** SQL for the time of a number of epoch milliseconds. */
  timeOf(milliseconds: string): string
  /**
   * SQL for rows that come as parameters, to be read `from`: the given columns, and `n`, their order. `columns` maps
   * a name to its PostgreSQL type; `first` is the number of the first parameter.
   */
  givenRows(
    columns: Readonly<Record<string, string>>,
    rows: readonly (readonly unknown[])[],
    first: number,
  ): { sql: string; params: unknown[] }
  /** The columns of the primary key in the order in which the rows lie on the disk, so that reading all is quick. */
  readonly storedOrder: readonly string[]
  /** SQL for the text of a JSON array of what a value is in each row. */
  jsonColumn(value: string): string
  /** How histograms of durations are merged, summed up and read. */
  readonly histogram: HistogramDialect
  /** SQL for the names of those of our tables in which row level security applies to this role, where there is such. */
  readonly hidingTables: string | undefined
  /**
   * SQL that tries to take the lock of the one process that migrates (`taken`), held until the transaction ends, and SQL
   * for who has it (`pid`). A write lock may be that already.
   */
  readonly migrationLock: { readonly take: string; readonly holder: string } | undefined
  /** MikroORM's list of migrations, as it would make it itself. */
  readonly migrationsTable: string
  /** Connects, and fails when that is not possible. */
  open(options: OpenOptions): Promise<{
    orm: SqlMikroORM
    session: Session
    distributed: boolean
    close: () => Promise<void>
  }>
}
