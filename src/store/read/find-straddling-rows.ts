import { MINUTE_MS } from '../../time/units.ts'
import { isCalendarUnit } from '../../time/calendar.ts'
import type { UsageQuery } from '../../model/usage-query.ts'
import type { RowSum, StraddlingRows } from '../../model/usage-row.ts'
import { findBorders } from './find-usage.ts'
import { followLinks } from './follow-links.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import { cutByOwners, OF_KEYS_WITH_FORMER_OWNERS } from './owner-of-rows.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterCounted, filterCountedRows, filterUsage, tableOf, timeParameter } from './usage-filter.ts'

/**
 * Counts the rows, and their requests, that a border cuts: `since`, `until`, or a border between two hours, days, weeks
 * or months of `query.by` in its time zone. `findUsage` counts such a row where it begins, so a report with any of them
 * is not exact. Rows that `since` cuts are counted here although `findUsage` leaves them out. Also counts rows in which
 * the key changed its owner, such as day rows of that day.
 */
export async function findStraddlingRows(db: Database, asked: UsageQuery): Promise<StraddlingRows> {
  const { query } = await followLinks(db, asked)
  const parameters = new SqlParameters()
  const filter = filterCountedRows(db.dialect, query, parameters)
  const cuts = [
    ...cutAt(db, query.since, parameters),
    ...cutAt(db, query.until, parameters),
    ...(await cutBetween(db, query, parameters)),
  ]
  const found =
    cuts.length === 0
      ? { rows: 0, requests: 0, ...(query.unit !== undefined && { quantity: 0n }) }
      : await sumStraddling(db, query, `${filter}\nand (${cuts.join('\n  or ')})`, parameters)
  const isByOwner = query.owner !== undefined || query.by?.includes('owner')
  return isByOwner ? { ...found, cutByOwners: await sumRowsCutByOwners(db, query) } : found
}

/** With `owner` only rows of keys that this owner lost or got. */
async function sumRowsCutByOwners(db: Database, { owner, ...query }: UsageQuery): Promise<RowSum> {
  const parameters = new SqlParameters()
  const filter = filterCounted(db.dialect, query, parameters)
  const name = owner === undefined ? undefined : parameters.add(owner)
  return sumStraddling(
    db,
    query,
    `${filter} and t.bucket_minutes > 1 and ${OF_KEYS_WITH_FORMER_OWNERS}
and ${cutByOwners(db.dialect, name)}`,
    parameters,
  )
}

async function sumStraddling(
  db: Database,
  query: UsageQuery,
  condition: string,
  { values }: SqlParameters,
): Promise<RowSum> {
  const ofUnit = query.unit !== undefined
  const quantity = ofUnit ? `, coalesce(${sumExact('t.quantity')}, '0 0') as quantity` : ''
  const [found] = await db.query<{ rows: string; requests: string; quantity?: string }>(
    `select count(*) as rows, coalesce(sum(t.request_count), 0) as requests${quantity}
from ${tableOf(query)} t
where ${condition}`,
    values,
  )
  return {
    rows: Number(found?.rows),
    requests: Number(found?.requests),
    ...(ofUnit && { quantity: readExact(String(found?.quantity)) }),
  }
}

/** A row is cut by an instant only if it begins at the last full hour or day before: two look-ups in an index. */
function cutAt(db: Database, instant: Date | undefined, parameters: SqlParameters): string[] {
  if (!instant) return []
  return [60, 1440].flatMap((minutes) => {
    const begin = instant.getTime() - (instant.getTime() % (minutes * MINUTE_MS))
    if (begin === instant.getTime()) return []
    const time = timeParameter(db.dialect, new Date(begin), parameters)
    return [`t.bucket = ${time} and t.bucket_minutes = ${minutes}`]
  })
}

/** Rows in the period whose first and last millisecond fall into different units. */
async function cutBetween(db: Database, query: UsageQuery, parameters: SqlParameters): Promise<string[]> {
  const borders = await findBorders(db, (query.by ?? []).filter(isCalendarUnit), query)
  return [...borders.values()]
    .filter(({ uncutMinutes }) => uncutMinutes < 1440)
    .map((border) => {
      const first = db.dialect.millisecondsOf('t.bucket')
      const last = `(${first} + t.bucket_minutes * 60000 - 1)`
      const period = filterUsage(db.dialect, { since: query.since, until: query.until }, parameters)
      return `${period} and t.bucket_minutes > ${border.uncutMinutes} and ${border.numberOf(first)} <> ${border.numberOf(last)}`
    })
}
