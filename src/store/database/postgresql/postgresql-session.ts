import type { Pool, PoolClient } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { OpenOptions, DatabaseSession, Statements, TransactionMode } from '../dialect.ts'
import { isChecked, requireState } from '../require-active.ts'
import type { StateRow } from '../require-active.ts'
import { translateError } from '../translate-error.ts'
import { readAfterSilence, runOn, writeParameters } from './run-statements.ts'
import { ENTER, LIFT_TIMEOUT, writeBegin } from './write-begin.ts'

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

const BEGIN_COPY = `begin read only;
${LIFT_TIMEOUT}`

const TOO_MANY_CONNECTIONS = '53300'

/** The longest delay of a timer in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Statements and transactions on the connections of a pool. */
export function openPostgresqlSession(
  pool: Pool,
  databaseLabel: string,
  {
    liftTimeout = false,
    longestSilenceMs = LONGEST_SILENCE_MS,
    answerTimeoutMs = ANSWER_TIMEOUT_MS,
  }: OpenOptions,
): DatabaseSession {
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
  const transaction: DatabaseSession['transaction'] = async (run, mode = 'write') => {
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
