import { PeriodSums } from '../../model/period-sums.ts'
import type { StatementHeader } from '../../model/statement.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import { SqlParameters } from '../database/sql-parameters.ts'

/** A customer of a statement; null are the keys without one. */
export interface StatementOwner {
  readonly owner: string | null
  readonly keys: number
}

/** The customers of a statement, in any order. */
export async function readStatementOwners(db: Database, statement: number): Promise<StatementOwner[]> {
  const rows = await db.query<{ owner: string | null; keys: string | number }>(
    `select owner, count(distinct api_key_id) as keys
from api_key_analytics_statement_accounts
where statement = $1
group by owner`,
    [statement],
  )
  return rows.map(({ owner, keys }) => ({ owner, keys: Number(keys) }))
}

/** The numbers of the statements that have a customer. */
export async function findStatementsOf(db: Database, owner: string): Promise<Set<number>> {
  const rows = await db.query<{ statement: string | number }>(
    'select distinct statement from api_key_analytics_statement_accounts where owner = $1',
    [owner],
  )
  return new Set(rows.map(({ statement }) => Number(statement)))
}

/** The sums of some customers on some statements, by `nameOfSums`. */
export async function sumOwners(
  db: Database,
  statements: readonly StatementHeader[],
  owners: readonly (string | null)[],
): Promise<Map<string, PeriodSums>> {
  const sums = new Map<string, PeriodSums>()
  if (statements.length === 0 || owners.length === 0) return sums
  const parameters = new SqlParameters()
  const listOf = (values: Iterable<string | number>) =>
    [...values].map((value) => parameters.add(value)).join(', ') || 'null'
  const numbers = statements.map(({ number }) => number)
  const corrected = statements.flatMap(({ corrects }) => corrects.map(({ statement }) => statement))
  const named = owners.filter((owner) => owner !== null)
  const isOne = `a.owner in (${listOf(named)})`
  const rows = await db.query<{
    statement: string | number
    owner: string | null
    period: string | number
    unit: string
    quantity: string
  }>(
    // SQLite reads the tables of a cross join in their order
    `select a.statement, a.owner, l.period, l.unit, ${sumExact('l.quantity')} as quantity
from api_key_analytics_statement_accounts a cross join api_key_analytics_statement_lines l
where ${owners.includes(null) ? `(${isOne} or a.owner is null)` : isOne}
  and a.statement in (${listOf(numbers)})
  and l.statement = a.statement
  and l.account = a.account
  and l.api_key_id = a.api_key_id
  and l.period in (${listOf(new Set([...numbers, ...corrected]))})
group by a.statement, a.owner, l.period, l.unit`,
    parameters.values,
  )
  for (const { statement, owner, period, unit, quantity } of rows) {
    const name = nameOfSums(Number(statement), owner)
    const ofOwner = sums.get(name) ?? new PeriodSums()
    sums.set(name, ofOwner)
    ofOwner.add({ period: Number(period), unit, quantity: String(readExact(quantity)) })
  }
  return sums
}

/** One text for each customer of each statement. */
export const nameOfSums = (statement: number, owner: string | null): string =>
  JSON.stringify([statement, owner])
