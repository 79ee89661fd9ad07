import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PostgreSqlConnection } from '@mikro-orm/postgresql'
import type { PoolClient } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { AnalyticsError } from '../../../model/errors.ts'
import type { OpenOptions, Session, Statements, TransactionMode } from '../dialect.ts'
import { isChecked, requireState, writeReadState } from '../require-active.ts'
import type { StateRow } from '../require-active.ts'
import { translateError } from '../translate-error.ts'

/** The pool of pg behind MikroORM. */
export type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>

/**
 * A pooler accepts connections that it cannot serve yet, and lets them wait for two minutes or without end. A server
 * answers a `begin` or a read of settings at once, so silence means that the pooler waits.
 */
export const ANSWER_TIMEOUT_MS = 10_000

/**
 * The longest silence in one of our transactions: the time between an answer of the server and our next statement. When
 * a process is stopped or its machine is gone, the server then frees its locks, and others go on. A slow statement or a
 * slow network does not count as silence. What was cut off is rolled back and tried again.
 */
const LONGEST_SILENCE_MS = 5000

/** Several statements that are sent at once. */
function writeList(statements: readonly (string | false)[]): string {
  return statements.filter(Boolean).join(';\n')
}

/**
 * Lifts a limit that is meant for the statements of an app. Only for one transaction: a pooler then gives the
 * connection to others.
 */
const LIFT_TIMEOUT = 'set local statement_timeout = 0'

/**
 * Flushes take turns by this lock. Without it, flushes of the same rows wait for each other row by row. Each holds a
 * snapshot that keeps the server from cleaning up: four times the work per flush, and a table that grows. A session
 * that waits for a table has no snapshot yet. It sets both limits itself, because those for the statements of an app
 * could keep a large batch out without end.
 */
const TAKE_TURN = `set local statement_timeout = 30000;
set local lock_timeout = 0;
lock table api_key_analytics_meta in share update exclusive mode`

/** Writers do not wait for each other by this lock, nor for flushes: only for `switch`, as that waits for them. */
const JOIN_WRITERS = 'lock table api_key_analytics_meta in row exclusive mode'

/** An app that writes on waits in its counter files, so a writer that takes long is a reason to give up, not to wait. */
const HOLD_WRITERS = `set local lock_timeout = 60000;
lock table api_key_analytics_meta in exclusive mode`

/** A switch that was confirmed must not be undone by a crash of the server. */
const KEEP_COMMIT = 'set local synchronous_commit = on'

const READ_STATE = writeReadState((time) => `(date_part('epoch', ${time}) * 1000)::bigint`)

const SHORT: ReadonlySet<TransactionMode> = new Set(['turn', 'flush', 'close', 'hold', 'fill', 'switch'])

/**
 * A writer reads the state of the database before it waits for other locks. Whatever the default of its role is, it
 * must then see what those before it have written.
 */
const READ_COMMITTED = 'begin isolation level read committed'

const BEGIN: Partial<Record<TransactionMode, string>> = {
  write: READ_COMMITTED,
  turn: READ_COMMITTED,
  flush: READ_COMMITTED,
  snapshot: 'begin isolation level repeatable read read only',
  close: 'begin isolation level repeatable read',
}

function writeBegin(mode: TransactionMode, longestSilenceMs: number, lift: boolean): string {
  return writeList([
    BEGIN[mode] ?? 'begin',
    SHORT.has(mode) && `set local idle_in_transaction_session_timeout = ${longestSilenceMs}`,
    lift && LIFT_TIMEOUT,
    mode === 'flush' && writeList([TAKE_TURN, READ_STATE]),
  ])
}

/** What comes after `begin`, and may wait for others. */
const ENTER: Partial<Record<TransactionMode, string>> = {
  write: writeList([JOIN_WRITERS, READ_STATE]),
  turn: writeList([JOIN_WRITERS, READ_STATE]),
  // without reading: its snapshot comes after its other locks
  close: JOIN_WRITERS,
  fill: JOIN_WRITERS,
  switch: writeList([KEEP_COMMIT, HOLD_WRITERS]),
}

const BEGIN_COPY = `begin read only;
${LIFT_TIMEOUT}`

const TOO_MANY_CONNECTIONS = '53300'

/** The longest delay of a timer in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * PostgreSQL accepts no NUL in a text. Counted names have none, and a search for a name with one finds nothing, as on
 * SQLite. So a batch whose file was edited by hand is not refused because of a NUL.
 */
function replaceNul(parameter: unknown): unknown {
  if (Array.isArray(parameter)) return parameter.some(hasNul) ? parameter.map(replaceNul) : parameter
  return hasNul(parameter) ? parameter.replaceAll('\0', '\ufffd') : parameter
}

function hasNul(parameter: unknown): parameter is string {
  return typeof parameter === 'string' && parameter.includes('\0')
}

/** COPY takes no parameters, so they are quoted with the driver's own functions. */
function writeParameters(
  sql: string,
  params: readonly unknown[],
  { escapeLiteral }: { readonly escapeLiteral: (text: string) => string },
): string {
  return sql.replace(/\$(\d+)/g, (_, number) => {
    const value = replaceNul(params[Number(number) - 1])
    if (typeof value === 'string' || typeof value === 'number') return escapeLiteral(`${value}`)
    throw new AnalyticsError('INTERNAL', `Parameter $${number} of a copy is neither a text nor a number.`)
  })
}

/** Statements with a time limit: no answer within it counts as a lost connection. */
interface TimedStatements extends Statements {
  query<Row>(sql: string, params?: readonly unknown[], timeoutMs?: number): Promise<Row[]>
}

/** Statements on one connection, or each on any of a pool. */
export function runOn(client: Pick<Pool, 'query'>, databaseLabel: string): TimedStatements {
  return {
    query: async (text, params = [], timeoutMs?: number) => {
      try {
        const timed = timeoutMs !== undefined && { query_timeout: timeoutMs }
        // without values several statements may be sent at once, and each has a result
        const results = [await client.query({ text, values: params.map(replaceNul), ...timed })].flat()
        return results.at(-1)!.rows
      } catch (error) {
        throw translateError(error, databaseLabel)
      }
    },
  }
}

/**
 * The same statements. After a silence of ours that the server may not have endured, what it said meanwhile is read
 * first: a statement that is sent into an ended connection resets it, and the server's last words are lost.
 */
function readAfterSilence(statements: TimedStatements, longestSilenceMs: number): TimedStatements {
  let answeredAt = performance.now()
  return {
    query: async (...statement) => {
      if (performance.now() - answeredAt > longestSilenceMs / 2) {
        // the first may still be in the turn that has just read
        await nextTurn()
        await nextTurn()
      }
      try {
        return await statements.query(...statement)
      } finally {
        answeredAt = performance.now()
      }
    },
  }
}

/** Statements and transactions on the connections of a pool. */
export function openPostgresqlSession(
  pool: Pool,
  databaseLabel: string,
  {
    liftTimeout = false,
    longestSilenceMs = LONGEST_SILENCE_MS,
    answerTimeoutMs = ANSWER_TIMEOUT_MS,
  }: OpenOptions,
): Session {
  const connect = async (): Promise<PoolClient> => {
    try {
      return await pool.connect()
    } catch (error) {
      const full = (error as { code?: unknown }).code === TOO_MANY_CONNECTIONS
      if (!full || pool.totalCount === 0) throw translateError(error, databaseLabel)
      // the server allows no more connections: take turns on the open ones
      pool.options.max = pool.totalCount
      return connect()
    }
  }
  /** A connection in a new transaction. */
  const begin = async (sql: string, mode: TransactionMode = 'schema'): Promise<PoolClient> => {
    const client = await connect()
    try {
      const timeoutMs = mode === 'flush' ? undefined : answerTimeoutMs
      const statements = runOn(client, databaseLabel)
      const begun = await statements.query<StateRow>(sql, [], timeoutMs)
      const enter = ENTER[mode]
      const entered = enter ? await statements.query<StateRow>(enter) : begun
      if (isChecked(mode)) requireState(databaseLabel, entered.at(-1))
      return client
    } catch (error) {
      // closed, because what it waits for may still be under way
      client.release(true)
      throw error
    }
  }
  async function* copy(sql: string, params: readonly unknown[]): AsyncGenerator<Buffer, void, undefined> {
    const client = await begin(BEGIN_COPY)
    let rows: ReturnType<typeof copyTo> | undefined
    let finished = false
    try {
      rows = copyTo(`copy (${writeParameters(sql, params, client)}) to stdout (format binary)`)
      // The driver's timer for a statement is not made for long ones, and ends them uncleanly.
      rows.query_timeout = LONGEST_TIMER_MS
      client.query(rows)
      for await (const bytes of rows) yield bytes as Buffer
      await client.query('commit')
      finished = true
    } catch (error) {
      throw translateError(error, databaseLabel)
    } finally {
      // stops that timer, which would keep the process alive
      rows?.callback?.()
      // only closing the connection stops the server from sending the rest
      client.release(!finished)
    }
  }
  const transaction: Session['transaction'] = async (run, mode = 'write') => {
    const client = await begin(writeBegin(mode, longestSilenceMs, liftTimeout && mode !== 'flush'), mode)
    const tx = readAfterSilence(runOn(client, databaseLabel), longestSilenceMs)
    let broken = false
    let cut: unknown
    // The server may close the connection between two statements. Without a listener that would end the process.
    const onError = (error: unknown) => (cut ??= error)
    client.on('error', onError)
    try {
      const result = await run(tx)
      await tx.query('commit')
      return result
    } catch (error) {
      await tx.query('rollback', [], answerTimeoutMs).catch(() => (broken = true))
      throw cut === undefined ? error : translateError(cut, databaseLabel)
    } finally {
      client.off('error', onError)
      // close a connection that cannot even roll back: the server then rolls back by itself
      client.release(broken)
    }
  }
  const single: Statements = liftTimeout
    ? { query: (sql, params) => transaction((tx) => tx.query(sql, params), 'schema') }
    : runOn(pool, databaseLabel)
  return { ...single, transaction, copy, isCurrent: () => true }
}
