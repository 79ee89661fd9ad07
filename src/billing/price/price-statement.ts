import type { StatementHeader, StatementLine } from '../../model/statement.ts'
import type { Database } from '../../store/database/open-database.ts'
import { kindOf, nameOfAccount, periodOf } from '../statement/line-facts.ts'
import type { StatementSource } from '../statement/read-statement.ts'
import { countBilled } from './count-billed.ts'
import { priceLines } from './price-lines.ts'
import type { PricedLines } from './price-lines.ts'
import type { PriceList } from './price-list.ts'

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
export interface PricedStatement extends Omit<PricedLines, 'amounts'> {
  readonly statement: number
  readonly period: StatementHeader['period']
  readonly hash: string
  readonly currency: string
  readonly lines: readonly PricedLine[]
}

/** Prices a statement. Corrections are priced as if they had been in the statement that they correct. */
export async function priceStatement(
  db: Database,
  source: StatementSource,
  list: PriceList,
): Promise<PricedStatement> {
  const { statement, hash } = source
  const accounts = await Array.fromAsync(source.accounts)
  const given = accounts.flatMap(({ owner, keyId, lines, ...names }) =>
    lines.map((line) => ({ ...line, owner, keyId, key: nameOfAccount({ ...names, keyId }) })),
  )
  const before = await countBilled(db, source, given, list)
  const { amounts, ...sums } = priceLines(list, given, before)
  const lines = given.map((one, n): PricedLine => {
    const { line, owner, keyId, key, method, endpoint, unit, quantity } = one
    const [kind, { label: period }] = [kindOf(statement, one), periodOf(statement, one)]
    return {
      line,
      owner,
      keyId,
      key,
      kind,
      period,
      method,
      endpoint,
      unit,
      quantity,
      amount: amounts[n] ?? null,
    }
  })
  const { number, period } = statement
  return { statement: number, period, hash, currency: list.currency, lines, ...sums }
}
