import type { Dialect, Statements } from '../database/dialect.ts'
import { MINUTE_MS } from '../../time/units.ts'

/** A process with counts delivers at least once a minute, so one that is silent for longer has none, or is cut off. */
export const SILENT_MS = 5 * MINUTE_MS

/** SQL for that moment, epoch milliseconds; `since` is a placeholder for that of `SILENT_MS` ago. */
export const COMPLETE_UNTIL = (dialect: Dialect, since: string) => `
select ${dialect.millisecondsOf(`coalesce(min(updated_at) filter (where updated_at >= ${dialect.timeOf(since)}), max(updated_at))`)} as complete_until
from api_key_analytics_ledger`

/**
 * The moment up to which the database has what every process counted: the earliest last delivery of the processes that
 * delivered within five minutes, else the last delivery of all. Null when nothing was ever delivered.
 */
export async function findCompleteUntil(
  tx: Statements,
  dialect: Dialect,
  now = Date.now(),
): Promise<Date | null> {
  const [found] = await tx.query<{ complete_until: string | number | null }>(COMPLETE_UNTIL(dialect, '$1'), [
    now - SILENT_MS,
  ])
  const time = found?.complete_until
  // the clock of another machine may be ahead
  return time == null ? null : new Date(Math.min(Number(time), now))
}
