import type { StatusFilter } from '../../model/usage-query.ts'
import type { Dialect, Statements } from '../database/dialect.ts'

/** A period that was closed; times in epoch milliseconds, `until` exclusive. */
export interface ClosedPeriod {
  /** The number of the statement that closed it. */
  readonly number: number
  readonly since: number
  readonly until: number
  readonly billable: readonly StatusFilter[]
}

const READ = (dialect: Dialect) => `
select number, ${dialect.millisecondsOf('since')} as since, ${dialect.millisecondsOf('until')} as until, billable
from api_key_analytics_statements
where kind = 'statement'
order by number`

/** All closed periods, in the order in which they were closed. No two overlap. */
export async function readClosedPeriods(tx: Statements, dialect: Dialect): Promise<ClosedPeriod[]> {
  const rows = await tx.query<
    Record<'number' | 'since' | 'until', string | number> & { billable: string | null }
  >(READ(dialect))
  return rows.map(({ number, since, until, billable }) => ({
    number: Number(number),
    since: Number(since),
    until: Number(until),
    // null only after somebody changed it; a check names that. No statuses are stored as ''
    billable: (billable ? billable.split(',') : []) as StatusFilter[],
  }))
}

/** Whether a status is billed. */
export function isBillable(status: number, billable: readonly StatusFilter[]): boolean {
  return billable.some(
    (filter) => String(filter) === String(status) || filter === `${Math.floor(status / 100)}xx`,
  )
}

/** The closed time as spans without gaps, oldest first. */
export function joinPeriods(
  periods: readonly Pick<ClosedPeriod, 'since' | 'until'>[],
): { since: number; until: number }[] {
  const spans: { since: number; until: number }[] = []
  for (const { since, until } of periods.toSorted((a, b) => a.since - b.since)) {
    const last = spans.at(-1)
    if (last?.until === since) last.until = until
    else spans.push({ since, until })
  }
  return spans
}
