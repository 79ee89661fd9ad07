import { AnalyticsError } from '../../model/errors.ts'
import { formatInstant } from '../../time/calendar.ts'
import type { Dialect, Statements, TransactionMode } from './dialect.ts'

/**
 * What `move` does with a database. `active`: nothing, counts go here. `leaving`: it is copied to another one. `moved`:
 * the other one is active. `arriving`: it is filled from another one. Only an active database accepts writes.
 */
export type DatabaseState = 'active' | 'leaving' | 'arriving' | 'moved'

/** The state of a database as it is stored. */
export interface StateRow {
  readonly state: DatabaseState
  readonly other_database: string | null
  /** Epoch milliseconds. */
  readonly state_since: string | number | null
}

/** @param millisecondsOf SQL for the epoch milliseconds of a time */
export function writeReadState(millisecondsOf: (time: string) => string): string {
  return `select state, other_database, ${millisecondsOf('state_since')} as state_since
from api_key_analytics_meta
where id = 1`
}

const CHECKED: ReadonlySet<TransactionMode> = new Set(['write', 'turn', 'flush'])

/** Whether a transaction may only run in an active database. */
export function isChecked(mode: TransactionMode): boolean {
  return CHECKED.has(mode)
}

/**
 * Checks within a transaction that the database is active, as `write`, `turn` and `flush` do by themselves.
 * @throws DATABASE_MOVED
 */
export async function requireActive(
  tx: Statements,
  { dialect, databaseLabel }: { readonly dialect: Dialect; readonly databaseLabel: string },
): Promise<void> {
  const [row] = await tx.query<StateRow>(writeReadState((time) => dialect.millisecondsOf(time)))
  requireState(databaseLabel, row)
}

/** @throws DATABASE_MOVED unless the state is `active`; a database without its row is reported by others */
export function requireState(databaseLabel: string, row: StateRow | undefined): void {
  const finding = row && describeState(databaseLabel, row)
  if (!finding) return
  throw new AnalyticsError('DATABASE_MOVED', `${finding} ${REMEDIES[row.state]}`)
}

/** A sentence about a database that is not active; undefined for an active one. */
export function describeState(databaseLabel: string, row: StateRow): string | undefined {
  const since = row.state_since === null ? '' : formatInstant(new Date(Number(row.state_since)), 'UTC')
  if (row.state === 'leaving')
    return `${databaseLabel} is being moved to ${row.other_database} since ${since} (UTC), and accepts no changes.`
  if (row.state === 'moved')
    return `${databaseLabel} moved to ${row.other_database} on ${since} (UTC), and accepts no more changes.`
  if (row.state === 'arriving')
    return `${databaseLabel} is being filled from ${row.other_database} since ${since} (UTC), and accepts no changes before it is complete.`
  return undefined
}

const REMEDIES: Readonly<Record<DatabaseState, string>> = {
  active: '',
  leaving:
    'Counts wait in the counter files. Set DATABASE_URL to the new database and restart the app. If "apikey-analytics move" was interrupted, run it again, or end it with --cancel.',
  moved:
    'Counts wait in the counter files. Set DATABASE_URL to the new database and restart the app: they are delivered there.',
  arriving:
    'Counts wait in the counter files. If "apikey-analytics move" was interrupted, run it again; if it was cancelled, use the former database.',
}
