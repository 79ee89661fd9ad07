import type { TransactionMode } from '../dialect.ts'
import { writeReadState } from '../require-active.ts'

/** Several statements that are sent at once. */
function writeList(statements: readonly (string | false)[]): string {
  return statements.filter(Boolean).join(';\n')
}

/**
 * Lifts a limit that is meant for the statements of an app. Only for one transaction: a pooler then gives the
 * connection to others.
 */
export const LIFT_TIMEOUT = 'set local statement_timeout = 0'

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
const STOP_WRITERS = `set local lock_timeout = 60000;
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

/** `begin` of a transaction, with its limits. */
export function writeBegin(mode: TransactionMode, longestSilenceMs: number, lift: boolean): string {
  return writeList([
    BEGIN[mode] ?? 'begin',
    SHORT.has(mode) && `set local idle_in_transaction_session_timeout = ${longestSilenceMs}`,
    lift && LIFT_TIMEOUT,
    mode === 'flush' && writeList([TAKE_TURN, READ_STATE]),
  ])
}

/** What comes after `begin`, and may wait for others. */
export const ENTER: Partial<Record<TransactionMode, string>> = {
  write: writeList([JOIN_WRITERS, READ_STATE]),
  turn: writeList([JOIN_WRITERS, READ_STATE]),
  // without reading: its snapshot comes after its other locks
  close: JOIN_WRITERS,
  fill: JOIN_WRITERS,
  switch: writeList([KEEP_COMMIT, STOP_WRITERS]),
}
