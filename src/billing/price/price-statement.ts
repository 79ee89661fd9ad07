import type { StatementHeader, StatementLine } from '../../model/statement.ts'
import { sumBilled } from '../../store/billing/sum-billed.ts'
import type { BilledQuantity } from '../../store/billing/sum-billed.ts'
import type { Database } from '../../store/database/open-database.ts'
import type { PriceList } from './price-list.ts'
import { addAmounts, Pricer } from './pricer.ts'
import type { StatementSource } from '../statement/read-statement.ts'
import { kindOf, nameOf, periodOf } from '../statement/line-facts.ts'

/** A line with its amount; null when the price list has no price for it. */
export interface PricedLine extends Pick<
  StatementLine,
  'line' | 'method' | 'endpoint' | 'unit' | 'quantity'
> {
  readonly owner: string | null
  readonly keyId: string
  readonly key: string
  readonly kind: 'usage' | 'correction'
  readonly period: string
  readonly amount: string | null
}

/** A statement, or the part of one customer, with what it costs. Not a part of the statement: prices are not stored. */
export interface PricedStatement {
  readonly statement: number
  readonly period: StatementHeader['period']
  readonly hash: string
  readonly currency: string
  readonly lines: readonly PricedLine[]
  readonly customers: readonly {
    readonly owner: string | null
    readonly keyId?: string
    readonly amount: string
  }[]
  readonly total: string
  readonly notes: readonly string[]
}

/** Prices a statement. Corrections are priced as if they had been in the statement that they correct. */
export async function priceStatement(
  db: Database,
  source: StatementSource,
  list: PriceList,
): Promise<PricedStatement> {
  const { statement, hash } = source
  const accounts = await Array.fromAsync(source.accounts)
  const customerOf = ({ owner, keyId }: { owner: string | null; keyId: string }) => owner ?? keyId
  const keysOf = Map.groupBy(accounts, customerOf)
  const billed = new Map<number, BilledQuantity[]>()
  for (const { statement: period } of statement.corrects) {
    billed.set(period, await sumBilled(db, period, statement.number))
  }
  const pricer = new Pricer(list, (rule, period, customer) => {
    const keys = new Set(keysOf.get(customer)?.map(({ keyId }) => keyId))
    return (billed.get(Number(period)) ?? [])
      .filter(({ owner, keyId }) => owner === customer || keys.has(keyId))
      .filter((line) => pricer.ruleOf(line) === rule)
      .reduce((sum, { quantity }) => sum + BigInt(quantity), 0n)
  })
  const lines = accounts.flatMap((account) =>
    account.lines.map((line): PricedLine => {
      const { period, method, endpoint, unit, quantity } = line
      const amount = pricer.price({ customer: customerOf(account), period, method, endpoint, unit, quantity })
      return {
        line: line.line,
        owner: account.owner,
        keyId: account.keyId,
        key: nameOf(account),
        kind: kindOf(statement, line),
        period: periodOf(statement, line).label,
        method,
        endpoint,
        unit,
        quantity,
        amount,
      }
    }),
  )
  const sum = (some: readonly PricedLine[]) =>
    addAmounts(
      some.flatMap(({ amount }) => amount ?? []),
      list.digits,
    )
  const customers = [...Map.groupBy(lines, customerOf).values()].map((some) => {
    const { owner, keyId } = some[0]!
    const amount = sum(some)
    return owner === null ? { owner, keyId, amount } : { owner, amount }
  })
  const { period, number } = statement
  const notes = notePriceless(lines)
  return {
    statement: number,
    period,
    hash,
    currency: list.currency,
    lines,
    customers,
    total: sum(lines),
    notes,
  }
}

function notePriceless(lines: readonly PricedLine[]): string[] {
  const priceless = lines.filter(({ amount }) => amount === null)
  if (priceless.length === 0) return []
  const units = [...new Set(priceless.map(({ unit }) => unit))].join(', ')
  return [`${priceless.length} lines have no price (${units}): no rule of the price list fits them.`]
}
