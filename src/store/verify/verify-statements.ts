import { compareUnits } from '../../model/quantities.ts'
import { readEntries } from '../billing/chain.ts'
import { isBillable, readClosedPeriods } from '../billing/closed-periods.ts'
import type { ClosedPeriod } from '../billing/closed-periods.ts'
import { COUNTED_UNITS } from '../billing/counted-units.ts'
import { findOverbilled } from '../billing/find-due.ts'
import { findWrongOwners } from '../billing/find-wrong-owners.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'
import { judgeStatements, sumLines } from './find-statement-faults.ts'

/**
 * Where every delivered quantity of a unit is: `billed + notBilledYet + notBillable = delivered`, if the table and what was
 * removed are what was delivered, which `VerifyResult` says.
 */
export interface BilledUnit {
  readonly unit: string
  /** As the ledger has it. */
  readonly delivered: string
  /** Sum of all statements. */
  readonly billed: string
  /** In periods that are not closed, and late counts of closed ones: the next statements bill them. */
  readonly notBilledYet: string
  /** In closed periods, of statuses that are not billed; and what was removed before its period was closed. */
  readonly notBillable: string
}

/** The statements in the account of a database. */
export interface BillingAccount {
  readonly statements: number
  readonly units: readonly BilledUnit[]
  /** What was changed by hand, one sentence each; `statements check` examines every line. */
  readonly faults: readonly string[]
}

/** What was delivered and what was pruned or forgotten, by unit. */
export type Accounts = ReadonlyMap<string, { readonly delivered: bigint; readonly removed: bigint }>

/** Compares statements, table and ledger within a transaction that sees one state. Undefined without a statement. */
export async function verifyStatements(
  tx: Statements,
  dialect: Dialect,
  accounts: Accounts,
): Promise<BillingAccount | undefined> {
  const entries = await readEntries(tx)
  if (entries.length === 0) return undefined
  const billed = await sumLines(tx)
  const closed = await readClosedPeriods(tx, dialect)
  const held = await sumHeld(tx, dialect, closed)
  const noted = await sumByUnit(tx, NOTED)
  const logged = await sumByUnit(tx, LOGGED)
  const all = new Map<string, bigint>()
  for (const { unit, quantity } of billed) all.set(unit, (all.get(unit) ?? 0n) + quantity)
  const units = [...new Set([...accounts.keys(), ...all.keys()])].sort(compareUnits).map((unit) => {
    const { delivered = 0n, removed: gone = 0n } = accounts.get(unit) ?? {}
    const { open = 0n, billable = 0n, other = 0n } = held.get(unit) ?? {}
    const sum = all.get(unit) ?? 0n
    const notBilledYet = open + billable + (noted.get(unit) ?? 0n) - sum
    const notBillable = other + gone - (noted.get(unit) ?? 0n)
    return Object.assign({ unit }, mapToText({ delivered, billed: sum, notBilledYet, notBillable }))
  })
  const statements = entries.filter(({ kind }) => kind === 'statement').length
  const { chain, totals } = judgeStatements(entries, billed, closed)
  const faults = [
    ...chain,
    ...totals,
    ...findWrongRemovals(noted, logged, accounts),
    ...(await findWrongOwners(tx, dialect, closed)),
    ...(await describeOverbilled(tx, dialect, closed)),
  ]
  return { statements, units, faults }
}

/** The removals of closed periods and the log of all removals each remember how much was billed of what was removed. */
function findWrongRemovals(noted: Sums, logged: Sums, accounts: Accounts): string[] {
  return [...new Set([...noted.keys(), ...logged.keys()])].sort(compareUnits).flatMap((unit) => {
    const [here, there] = [noted.get(unit) ?? 0n, logged.get(unit) ?? 0n]
    const removed = accounts.get(unit)?.removed ?? 0n
    if (here !== there) {
      return [
        `What was removed of closed periods is ${here} ${unit} in one table and ${there} in the log of removals: one of them was changed.`,
      ]
    }
    if (here <= removed) return []
    return [
      `What was removed of closed periods is ${here} ${unit}, and all that was removed only ${removed}: the log of removals was changed.`,
    ]
  })
}

async function describeOverbilled(
  tx: Statements,
  dialect: Dialect,
  closed: readonly ClosedPeriod[],
): Promise<string[]> {
  const faults: string[] = []
  for (const period of closed) {
    for (const { keyId, unit, quantity } of await findOverbilled(tx, dialect, period)) {
      faults.push(
        `Statement ${period.number}: its period holds ${quantity.slice(1)} ${unit} less of key ${keyId} than was billed.`,
      )
    }
  }
  return faults
}

interface Held {
  /** In no closed period. */
  readonly open: bigint
  /** In closed periods, of billed statuses and of others. */
  readonly billable: bigint
  readonly other: bigint
}

async function sumHeld(
  tx: Statements,
  dialect: Dialect,
  closed: readonly ClosedPeriod[],
): Promise<Map<string, Held>> {
  const sums = new Map<string, Held>()
  const add = (unit: string, sum: Partial<Held>) => {
    const { open = 0n, billable = 0n, other = 0n } = sums.get(unit) ?? {}
    const { open: moreOpen = 0n, billable: moreBillable = 0n, other: moreOther = 0n } = sum
    sums.set(unit, { open: open + moreOpen, billable: billable + moreBillable, other: other + moreOther })
  }
  for (const { table, unit, quantity } of COUNTED_UNITS) {
    // all rows in one statement; then of each closed period, of which each takes its rows out of what is open
    const select = (condition: string) => `
select ${unit} as unit, t.status, ${sumExact(quantity)} as quantity
from ${table} t
where ${condition} and t.import_id = 0
group by 1, t.status`
    type Row = { unit: string; status: string | number; quantity: string }
    for (const row of await tx.query<Row>(select('true'))) add(row.unit, { open: readExact(row.quantity) })
    for (const { since, until, billable } of closed) {
      const within = `t.bucket >= ${dialect.timeOf('$1')} and t.bucket < ${dialect.timeOf('$2')}`
      for (const row of await tx.query<Row>(select(within), [since, until])) {
        const sum = readExact(row.quantity)
        const kind = isBillable(Number(row.status), billable) ? 'billable' : 'other'
        add(row.unit, { open: -sum, [kind]: sum })
      }
    }
  }
  return sums
}

type Sums = ReadonlyMap<string, bigint>

const NOTED = `
select unit, ${sumExact('quantity')} as quantity
from api_key_analytics_statement_removals
group by unit`

const LOGGED = `
select 'requests' as unit, coalesce(${sumExact('closed_request_count')}, '0 0') as quantity
from api_key_analytics_prunes
union all
select unit, ${sumExact('closed_quantity')}
from api_key_analytics_pruned_quantities
group by unit`

async function sumByUnit(tx: Statements, sql: string): Promise<Sums> {
  const rows = await tx.query<{ unit: string; quantity: string }>(sql)
  return new Map(rows.map(({ unit, quantity }) => [unit, readExact(quantity)]))
}

function mapToText<Name extends string>(amounts: Readonly<Record<Name, bigint>>): Record<Name, string> {
  const texts = Object.entries<bigint>(amounts).map(([name, amount]) => [name, String(amount)])
  return Object.fromEntries(texts) as Record<Name, string>
}
