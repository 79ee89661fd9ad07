import { countOf } from '../../terminal/format-number.ts'
import type { ClosedPeriod } from '../../store/billing/closed-periods.ts'
import { countCutQuantities } from '../../store/billing/read-closing-state.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findStraddlingRows } from '../../store/read/find-straddling-rows.ts'
import type { BillingPeriod } from '../billing-period.ts'

/** Finds stored rows that cannot be billed exactly: those across a border of the period, and those of two owners. */
export async function findCutRows(
  db: Database,
  period: BillingPeriod,
  closed: readonly ClosedPeriod[],
): Promise<string[]> {
  // A row across a border that is closed already was billed with the period in which it begins.
  const isClosedAt = (border: Date) =>
    closed.some(({ since, until }) => since === border.getTime() || until === border.getTime())
  const cut = await findStraddlingRows(db, {
    imported: false,
    ...(!isClosedAt(period.since) && { since: period.since }),
    ...(!isClosedAt(period.until) && { until: period.until }),
  })
  const quantities =
    (isClosedAt(period.since) ? 0 : await countCutQuantities(db, db.dialect, period.since)) +
    (isClosedAt(period.until) ? 0 : await countCutQuantities(db, db.dialect, period.until))
  // of all keys in the period, whoever owns them
  const { cutByOwners } = await findStraddlingRows(db, {
    since: period.since,
    until: period.until,
    imported: false,
    by: ['owner'],
  })
  return [
    ...(cut.rows + quantities > 0
      ? [
          `${describeRows(Math.max(cut.rows, quantities))} with ${countOf(cut.requests, 'request')} ${Math.max(cut.rows, quantities) === 1 ? 'crosses' : 'cross'} its border. Close it with --tz UTC; to bill in ${period.timeZone}, count in narrower buckets (option bucket) and do not roll up a period before it is closed.`,
        ]
      : []),
    ...(cutByOwners && cutByOwners.rows > 0
      ? [
          `${describeRows(cutByOwners.rows)} with ${countOf(cutByOwners.requests, 'request')} ${cutByOwners.rows === 1 ? 'contains' : 'contain'} the time of two owners. "apikey-analytics keys owners KEY" shows when a key changed hands; move the change to a border of the row with "apikey-analytics keys name KEY --owner OWNER --from TIME".`,
        ]
      : []),
  ]
}

function describeRows(rows: number): string {
  return countOf(rows, 'stored row')
}
