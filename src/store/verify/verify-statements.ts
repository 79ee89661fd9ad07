import { sha256 } from '../../json/canonical-json.ts'
import { compareUnits, sameQuantities, toQuantities } from '../../model/quantities.ts'
import type { RedactionRecord, StatementHeader, StatementTotals } from '../../model/statement.ts'
import { readEntries } from '../billing/chain.ts'
import type { ChainEntry } from '../billing/chain.ts'
import { isBillable, readClosedPeriods } from '../billing/closed-periods.ts'
import type { ClosedPeriod } from '../billing/closed-periods.ts'
import { COUNTED_UNITS } from '../billing/counted-units.ts'
import { findOverbilled } from '../billing/find-due.ts'
import { findWrongOwners } from '../billing/find-wrong-owners.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'

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
  const { chain, totals } = findFaults(entries, billed, closed)
  const faults = [
    ...chain,
    ...totals,
    ...findWrongRemovals(noted, logged, accounts),
    ...(await findWrongOwners(tx, dialect, closed)),
    ...(await describeOverbilled(tx, dialect, closed)),
  ]
  return { statements, units, faults }
}

/** What is wrong with the statements as a whole. */
export interface StatementFaults {
  /** Changed headers and totals, and cuts of the chain. With any of them the rest cannot be read safely. */
  readonly chain: readonly string[]
  /** Totals that differ from the lines. */
  readonly totals: readonly string[]
}

/** Finds what is wrong with the statements as a whole. */
export async function findStatementFaults(tx: Statements, dialect: Dialect): Promise<StatementFaults> {
  return findFaults(await readEntries(tx), await sumLines(tx), await readClosedPeriods(tx, dialect))
}

function findFaults(
  entries: readonly ChainEntry[],
  billed: readonly LineSum[],
  closed: readonly ClosedPeriod[],
): StatementFaults {
  const chain = findChainFaults(entries, closed)
  return { chain, totals: chain.length > 0 ? [] : findWrongTotals(entries, billed) }
}

/** What is wrong with the chain: each entry must be as it was hashed, and contain the hash of the one before it. */
function findChainFaults(entries: readonly ChainEntry[], closed: readonly ClosedPeriod[]): string[] {
  return entries.flatMap(({ sequence, kind, number, content, totals, hash }, index) => {
    const name = kind === 'statement' ? `Statement ${number}` : `Redaction ${sequence}`
    if (sha256(content) !== hash) return [`${name}: its header was changed.`]
    const { previousHash, ...header } = JSON.parse(content) as StatementHeader | RedactionRecord
    if (header.sequence !== sequence || sequence !== index + 1 || header.kind !== kind) {
      return [`${name}: it is at another position of the chain than when it was made.`]
    }
    if (header.kind === 'statement' && header.number !== number) return [`${name}: its number was changed.`]
    if (header.kind === 'statement' && sha256(totals ?? '') !== header.totalsHash) {
      return [`${name}: its totals were changed.`]
    }
    if (previousHash !== (entries[index - 1]?.hash ?? null)) {
      return [`${name}: the entry before it in the chain is missing or another one.`]
    }
    if (header.kind === 'statement' && !isColumnsOf(header, closed)) {
      return [`${name}: the columns with its period and its statuses were changed.`]
    }
    return []
  })
}

/** Whether the columns by which SQL finds a closed period say the same as its header. */
function isColumnsOf(
  { number, period, billable }: Omit<StatementHeader, 'previousHash'>,
  closed: readonly ClosedPeriod[],
): boolean {
  const columns = closed.find((one) => one.number === number)
  return (
    columns?.since === Date.parse(period.since) &&
    columns.until === Date.parse(period.until) &&
    columns.billable.join(',') === billable.join(',')
  )
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

interface LineSum {
  readonly statement: number
  readonly period: number
  readonly unit: string
  readonly quantity: bigint
}

function findWrongTotals(entries: readonly ChainEntry[], billed: readonly LineSum[]): string[] {
  const numbers = new Set(entries.map(({ number }) => number))
  const strays = new Set(
    billed.map(({ statement }) => statement).filter((statement) => !numbers.has(statement)),
  )
  const added = [...strays].map(
    (statement) => `There are lines of a statement ${statement} that does not exist.`,
  )
  const wrong = entries.flatMap(({ kind, number, totals }) => {
    if (kind !== 'statement') return []
    const { usage, corrections } = JSON.parse(totals!) as StatementTotals
    const lines = billed.filter(({ statement }) => statement === number)
    const byPeriod = Map.groupBy(lines, ({ period }) => period)
    const stated = [{ statement: number!, quantities: usage }, ...corrections]
    const isEqual =
      stated.every(({ statement, quantities }) => {
        const sums = new Map((byPeriod.get(statement) ?? []).map(({ unit, quantity }) => [unit, quantity]))
        return sameQuantities(quantities, toQuantities(sums))
      }) && [...byPeriod.keys()].every((period) => stated.some(({ statement }) => statement === period))
    return isEqual ? [] : [`Statement ${number}: its lines do not sum up to its totals.`]
  })
  return [...added, ...wrong]
}

async function sumLines(tx: Statements): Promise<LineSum[]> {
  type Row = Record<'statement' | 'period', string | number> & { unit: string; quantity: string }
  const rows = await tx.query<Row>(
    `select statement, period, unit, ${sumExact('quantity')} as quantity
from api_key_analytics_statement_lines
group by statement, period, unit`,
  )
  return rows.map(({ statement, period, unit, quantity }) => ({
    statement: Number(statement),
    period: Number(period),
    unit,
    quantity: readExact(quantity),
  }))
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
