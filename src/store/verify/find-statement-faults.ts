import { sha256 } from '../../json/canonical-json.ts'
import { sameQuantities, toQuantities } from '../../model/quantities.ts'
import type { RedactionRecord, StatementHeader, StatementTotals } from '../../model/statement.ts'
import { readEntries } from '../billing/chain.ts'
import type { ChainEntry } from '../billing/chain.ts'
import { readClosedPeriods } from '../billing/closed-periods.ts'
import type { ClosedPeriod } from '../billing/closed-periods.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'

/** What is wrong with the statements as a whole. */
export interface StatementFaults {
  /** Changed headers and totals, and cuts of the chain. With any of them the rest cannot be read safely. */
  readonly chain: readonly string[]
  /** Totals that differ from the lines. */
  readonly totals: readonly string[]
}

/** Finds what is wrong with the statements as a whole. */
export async function findStatementFaults(tx: Statements, dialect: Dialect): Promise<StatementFaults> {
  return judgeStatements(await readEntries(tx), await sumLines(tx), await readClosedPeriods(tx, dialect))
}

/** The same, of what was read already. */
export function judgeStatements(
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

/** A sum of lines. */
export interface LineSum {
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

/** The lines of all statements, summed up. */
export async function sumLines(tx: Statements): Promise<LineSum[]> {
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
