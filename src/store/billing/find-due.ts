import type { Dialect, Statements } from '../database/dialect.ts'
import { isSumNegative, isSumOther, readExact, sumExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterUsage } from '../read/usage-filter.ts'
import type { ClosedPeriod } from './closed-periods.ts'
import { COUNTED_UNITS } from './counted-units.ts'

/** What a period holds, or held before it was pruned, and no statement has billed yet. */
export interface DueQuantity {
  readonly keyId: string
  /** Epoch milliseconds; 0 for the first owner of the period. */
  readonly ownerSince: number
  readonly method: string
  readonly endpoint: string
  readonly unit: string
  /** Other than 0. */
  readonly quantity: bigint
}

/**
 * What the table holds of a period, and what was removed of it, without what was billed. For a period that is not
 * closed yet that is all its usage; for a closed one it is the correction.
 */
function writeDue(
  dialect: Dialect,
  period: ClosedPeriod,
  parameters: SqlParameters,
  keyIds?: readonly string[],
): string {
  const [since, until] = [new Date(period.since), new Date(period.until)]
  const filter = { since, until, status: period.billable, imported: false, ...(keyIds && { keyIds }) }
  const number = `cast(${parameters.add(period.number)} as int)`
  const rows = filterUsage(dialect, filter, parameters)
  const chosen = keyIds ? `and t.api_key_id in (${keyIds.map((id) => parameters.add(id)).join(', ')})` : ''
  const held = COUNTED_UNITS.map(
    ({ table, unit, quantity }) => `
  select t.api_key_id, coalesce(o.since, ${dialect.timeOf('0')}) as owner_since, t.method, t.endpoint,
    ${unit} as unit, ${quantity} as quantity
  from ${table} t
  left join api_key_analytics_statement_owners o
    on o.period = ${number} and o.api_key_id = t.api_key_id and o.since <= t.bucket and o.until > t.bucket
  where ${rows}`,
  )
  return [
    ...held,
    `
  select t.api_key_id, t.owner_since, t.method, t.endpoint, t.unit, t.quantity
  from api_key_analytics_statement_removals t
  where t.period = ${number} ${chosen}`,
    `
  select t.api_key_id, t.owner_since, t.method, t.endpoint, t.unit, -t.quantity
  from api_key_analytics_statement_lines t
  where t.period = ${number} ${chosen}`,
  ].join('\n  union all')
}

/** The keys with anything due in a period, in any order. Counts only grow, so a key's sum shows whether there is any. */
export async function findDueKeys(db: Database, period: ClosedPeriod): Promise<string[]> {
  const parameters = new SqlParameters()
  const due = writeDue(db.dialect, period, parameters)
  const found = await db.query<{ id: string }>(
    `select distinct api_key_id as id
from (
  select api_key_id, unit
  from (${due}) due
  group by api_key_id, unit
  having ${isSumOther('quantity')}
) keys`,
    parameters.values,
  )
  return found.map(({ id }) => id)
}

type Row = Omit<DueQuantity, 'ownerSince' | 'quantity'> & { ownerSince: string | number; quantity: string }

/** What is due of some keys in a period. */
export async function findDue(
  db: Database,
  period: ClosedPeriod,
  keyIds: readonly string[],
): Promise<DueQuantity[]> {
  const parameters = new SqlParameters()
  const due = writeDue(db.dialect, period, parameters, keyIds)
  const ownerSince = db.dialect.millisecondsOf('owner_since')
  const rows = await db.query<Row>(
    `select api_key_id as "keyId", ${ownerSince} as "ownerSince", method, endpoint, unit,
  ${sumExact('quantity')} as quantity
from (${due}) due
group by api_key_id, owner_since, method, endpoint, unit
having ${isSumOther('quantity')}`,
    parameters.values,
  )
  return rows.map((row) =>
    Object.assign(row, { ownerSince: Number(row.ownerSince), quantity: readExact(row.quantity) }),
  )
}

/** What a closed period holds less than was billed of it. */
export interface Overbilled {
  readonly keyId: string
  readonly unit: string
  /** Negative. */
  readonly quantity: string
}

const MOST_OVERBILLED = 3

/**
 * Keys of which a closed period holds, or held before it was pruned, less than was billed. Nothing that this package
 * does takes counts away, so somebody has.
 */
export async function findOverbilled(
  tx: Statements,
  dialect: Dialect,
  period: ClosedPeriod,
): Promise<Overbilled[]> {
  const parameters = new SqlParameters()
  const due = writeDue(dialect, period, parameters)
  const rows = await tx.query<{ keyId: string; unit: string; quantity: string }>(
    `select api_key_id as "keyId", unit, ${sumExact('quantity')} as quantity
from (${due}) due
group by api_key_id, unit
having ${isSumNegative('quantity')}
order by api_key_id, unit
limit ${MOST_OVERBILLED}`,
    parameters.values,
  )
  return rows.map((row) => Object.assign(row, { quantity: String(readExact(row.quantity)) }))
}
