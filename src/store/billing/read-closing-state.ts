import type { Dialect, Statements } from '../database/dialect.ts'
import { compareTexts } from '../../model/compare-texts.ts'
import { compareUnits, toQuantities } from '../../model/quantities.ts'
import type { Quantities, StatementTotals } from '../../model/statement.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import { MINUTE_MS } from '../../time/units.ts'
import { COUNTED_UNITS } from './counted-units.ts'

/** What an instance had delivered. */
export interface LedgerState {
  readonly instance: string
  readonly sequence: number
  readonly requests: number
  readonly updatedAt: number
}

/** The instances that delivered at or after a time (epoch milliseconds). */
export async function readLedgerSince(
  tx: Statements,
  dialect: Dialect,
  since: number,
): Promise<LedgerState[]> {
  const rows = await tx.query<Record<keyof LedgerState, string | number>>(
    `select instance, sequence, request_count as requests, ${dialect.millisecondsOf('updated_at')} as "updatedAt"
from api_key_analytics_ledger
where updated_at >= ${dialect.timeOf('$1')}
order by instance`,
    [since],
  )
  return rows.map(({ instance, sequence, requests, updatedAt }) => ({
    instance: String(instance),
    sequence: Number(sequence),
    requests: Number(requests),
    updatedAt: Number(updatedAt),
  }))
}

/** What each instance counted and what never arrived, by unit. */
export async function readMissing(tx: Statements): Promise<StatementTotals['missing'][number][]> {
  type Missing = StatementTotals['missing'][number]
  const requests = await tx.query<Missing>(
    `select instance, '${REQUESTS_UNIT}' as unit, cast(missing as text) as quantity
from api_key_analytics_ledger
where missing > 0`,
  )
  const others = await tx.query<Missing>(
    `select instance, unit, cast(missing as text) as quantity
from api_key_analytics_ledger_units
where missing > 0`,
  )
  return [...requests, ...others].sort(
    (a, b) => compareTexts(a.instance, b.instance) || compareUnits(a.unit, b.unit),
  )
}

/** Usage before a time that lies in none of some spans: its first bucket, and how much of each unit. */
export async function findOpenUsageBefore(
  tx: Statements,
  { dialect }: Pick<Database, 'dialect'>,
  before: number,
  closed: readonly { readonly since: number; readonly until: number }[],
): Promise<{ first: number; quantities: Quantities } | undefined> {
  type Row = { unit: string; first: string | number; quantity: string }
  const found: Row[] = []
  for (const { table, unit, quantity } of COUNTED_UNITS) {
    const parameters = new SqlParameters()
    const time = (milliseconds: number) => dialect.timeOf(parameters.add(milliseconds))
    const conditions = [
      `t.bucket < ${time(before)} and t.import_id = 0`,
      ...closed.map(({ since, until }) => `not (t.bucket >= ${time(since)} and t.bucket < ${time(until)})`),
    ]
    const rows = await tx.query<Row>(
      `select ${unit} as unit, ${dialect.millisecondsOf('min(t.bucket)')} as first, ${sumExact(quantity)} as quantity
from ${table} t
where ${conditions.join('\n  and ')}
group by 1`,
      parameters.values,
    )
    found.push(...rows)
  }
  if (found.length === 0) return undefined
  return {
    first: Math.min(...found.map(({ first }) => Number(first))),
    quantities: toQuantities(new Map(found.map(({ unit, quantity }) => [unit, readExact(quantity)]))),
  }
}

/** Counts rows of quantities that a time cuts; those of requests are found by `findStraddlingRows`. */
export async function countCutQuantities(tx: Statements, dialect: Dialect, instant: Date): Promise<number> {
  const parameters = new SqlParameters()
  const cuts = [60, 1440].flatMap((minutes) => {
    const begin = instant.getTime() - (instant.getTime() % (minutes * MINUTE_MS))
    if (begin === instant.getTime()) return []
    return [`t.bucket = ${dialect.timeOf(parameters.add(begin))} and t.bucket_minutes = ${minutes}`]
  })
  if (cuts.length === 0) return 0
  const [row] = await tx.query<{ rows: string | number }>(
    `select count(*) as rows
from api_key_analytics_quantities t
where t.import_id = 0 and (${cuts.join(' or ')})`,
    parameters.values,
  )
  return Number(row?.rows)
}

/** The end of the time of which rows were pruned; null when no prune ran. */
export async function readPruneBorder(tx: Statements, dialect: Dialect): Promise<number | null> {
  const [row] = await tx.query<{ border: string | number | null }>(
    `select ${dialect.millisecondsOf('max(before)')} as border
from api_key_analytics_prunes
where action = 'prune' and request_count > 0`,
  )
  return row?.border == null ? null : Number(row.border)
}
