import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { MEMORY_DATABASE } from '../../../options/database-location.ts'
import { AnalyticsError, explainRefusal } from '../../../model/errors.ts'
import { MIGRATIONS_TABLE } from '../migrations/migration-names.ts'
import { isChecked, requireState, writeReadState } from '../require-active.ts'
import type { StateRow } from '../require-active.ts'
import { translateError } from '../translate-error.ts'
import type { Dialect, DatabaseSession, Statements, TransactionMode } from '../dialect.ts'
import { addHistogramFunctions, SQLITE_HISTOGRAM } from './sqlite-histogram.ts'

type SqliteFile = Sqlite.Database

/** How long a statement waits for the lock of another process; it blocks its thread during that time. */
const LOCK_WAIT_MS = 5000

const BEGIN: Record<TransactionMode, string> = {
  // a transaction that reads first and then finds another writer would fail at once instead of waiting
  write: 'begin immediate',
  // This is the only write lock already. It lasts as long as its process lives, also while that is stopped.
  turn: 'begin immediate',
  flush: 'begin immediate',
  snapshot: 'begin',
  close: 'begin immediate',
  schema: 'begin immediate',
  hold: 'begin',
  fill: 'begin immediate',
  switch: 'begin immediate',
}

const INTEGER = /^(integer|bigint|smallint|datetime|boolean)/
const READ_STATE = writeReadState((time) => time)

/** An SQLite file, or `:memory:`. Statements block their thread, so inside an app they belong in the worker. */
export function sqliteDialect(path: string, databaseLabel: string): Dialect {
  return {
    kind: 'sqlite',
    millisecondsOf: (time) => time,
    timeOf: (milliseconds) => milliseconds,
    dayOfMonth: (milliseconds) => `cast(strftime('%d', (${milliseconds}) / 1000, 'unixepoch') as integer)`,
    givenRows(columns, rows, first) {
      const fields = Object.keys(columns).map((name, index) => `value ->> ${index} as ${name}`)
      return {
        // without `materialized` SQLite would write the row as text again for each field
        sql: `(with rows as materialized (select key, value from json_each($${first}))
  select ${fields.join(', ')}, key as n from rows) as given`,
        params: [JSON.stringify(rows)],
      }
    },
    // the table is stored in the order of its primary key
    storedOrder: ['api_key_id', 'bucket', 'bucket_minutes', 'endpoint', 'method', 'status', 'import_id'],
    // past 2^63 SQLite would go on with rounded numbers: null is refused by the column
    addWhole: (a, b) => `iif(typeof(${a} + ${b}) = 'integer', ${a} + ${b}, null)`,
    jsonColumn: (value) => `json_group_array(${value})`,
    textOf: (column, type) =>
      // a file takes fractions of a millisecond too, although none are written
      `cast(${type.startsWith('datetime') ? `cast(round(${column}) as integer)` : column} as text)`,
    valueOf: (text, type) => (INTEGER.test(type) ? `cast(${text} as integer)` : text),
    empty: (tables) => tables.toReversed().map((table) => `delete from ${table}`),
    // autoincrement does so by itself
    continueNumbers: () => undefined,
    histogram: SQLITE_HISTOGRAM,
    hidingTables: undefined,
    columns: `
select t.value as name, c.name as column_name
from json_each($1) t
join pragma_table_info(t.value) c`,
    migrationLock: undefined,
    migrationsTable: `create table if not exists ${MIGRATIONS_TABLE} (
  id integer not null primary key autoincrement,
  name text not null,
  executed_at datetime not null default current_timestamp
)`,
    async open({ create = false, lockWaitMs = LOCK_WAIT_MS }) {
      const isFile = path !== MEMORY_DATABASE
      if (isFile && create) createFile(path, databaseLabel)
      else if (isFile) requireFile(path, databaseLabel)
      let file: SqliteFile | undefined
      try {
        file = new Sqlite(path, { timeout: lockWaitMs, fileMustExist: true })
        if (create) await useWriteAheadLog(file)
        file.pragma('foreign_keys = on')
        file.pragma('synchronous = full')
        addHistogramFunctions(file)
        const opened = file
        return {
          connections: { kind: 'sqlite', file: opened },
          session: openSqliteSession(opened, databaseLabel),
          distributed: false,
          close: async () => void opened.close(),
        }
      } catch (error) {
        file?.close()
        throw translateError(error, databaseLabel)
      }
    },
  }
}

/** Waits by itself: when several processes switch a new file to WAL at once, SQLite fails without using its timeout. */
async function useWriteAheadLog(file: SqliteFile): Promise<void> {
  const deadline = performance.now() + LOCK_WAIT_MS
  for (;;) {
    try {
      file.pragma('journal_mode = wal')
      return
    } catch (error) {
      const busy = String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')
      if (!busy || performance.now() > deadline) throw error
      await sleep(5 + Math.random() * 20)
    }
  }
}

/** @throws DATABASE_NOT_FOUND; DATABASE_REFUSED when another user owns its folder */
function requireFile(path: string, databaseLabel: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })) return
  } catch (error) {
    throw translateError(explainRefusal(error, path, 'DATABASE_REFUSED'), databaseLabel)
  }
  throw new AnalyticsError(
    'DATABASE_NOT_FOUND',
    `No database at ${path}. Start the app once, run "apikey-analytics migrate", or pass --data-dir or --database.`,
  )
}

/** Makes the folder and the file readable by this user only, because usage is private. */
function createFile(path: string, databaseLabel: string): void {
  try {
    if (mkdirSync(dirname(path), { recursive: true, mode: 0o700 })) chmodSync(dirname(path), 0o700)
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw translateError(error, databaseLabel)
  }
}

function openSqliteSession(file: SqliteFile, databaseLabel: string): DatabaseSession {
  const run = <Row>(sql: string, params: readonly unknown[] = []): Row[] => {
    try {
      const statement = file.prepare(sql)
      const bound = params.length > 0 ? [bindByNumber(params)] : []
      if (statement.reader) return statement.all(...bound) as Row[]
      statement.run(...bound)
      return []
    } catch (error) {
      throw translateError(error, databaseLabel)
    }
  }
  const tx: Statements = { query: async (sql, params) => run(sql, params) }
  // There is one connection: a statement that comes during a transaction waits until the transaction ends.
  let previous: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = previous.then(work)
    previous = result.catch(() => {})
    return result
  }
  const transaction: DatabaseSession['transaction'] = (work, mode = 'write') =>
    inTurn(async () => {
      run(BEGIN[mode])
      try {
        if (isChecked(mode)) requireState(databaseLabel, run<StateRow>(READ_STATE)[0])
        const result = await work(tx)
        run('commit')
        return result
      } catch (error) {
        // after some errors (disk full, for example) SQLite has rolled back already
        if (file.inTransaction) run('rollback')
        throw error
      }
    })
  const isCurrent = file.memory ? () => true : watchFile(file.name)
  return { query: (sql, params) => inTurn(() => tx.query(sql, params)), transaction, isCurrent }
}

/** @returns a function that says whether the path still leads to the same file */
function watchFile(path: string): () => boolean {
  const { ino, dev } = statSync(path)
  return () => {
    const now = statSync(path, { throwIfNoEntry: false })
    return now?.ino === ino && now.dev === dev
  }
}

/** `$1` is a named parameter to SQLite, called "1". */
function bindByNumber(params: readonly unknown[]): Record<number, unknown> {
  return Object.fromEntries(params.map((value, index) => [index + 1, toSqlite(value)]))
}

function toSqlite(value: unknown): unknown {
  if (value instanceof Date) return value.getTime()
  return typeof value === 'boolean' ? Number(value) : value
}
