import type { Dialect, Statements } from '../database/dialect.ts'
import { MINUTE_MS } from '../../time/units.ts'

/** A process with counts delivers at least once a minute, so one that is silent for longer has none, or is cut off. */
const SILENT_MS = 5 * MINUTE_MS

const DELIVERIES = (dialect: Dialect) => `
select ${dialect.millisecondsOf(`min(updated_at) filter (where updated_at >= ${dialect.timeOf('$1')})`)} as first,
  ${dialect.millisecondsOf('max(updated_at)')} as last
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
  const [found] = await tx.query<{ first: string | number | null; last: string | number | null }>(
    DELIVERIES(dialect),
    [now - SILENT_MS],
  )
  const time = found?.first ?? found?.last
  // the clock of another machine may be ahead
  return time == null ? null : new Date(Math.min(Number(time), now))
}
