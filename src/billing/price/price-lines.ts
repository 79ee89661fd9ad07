import type { PriceList } from './price-list.ts'
import { addMoney, Pricer } from './pricer.ts'
import type { CountedBefore, PricedQuantity } from './pricer.ts'
import { countOf } from '../../terminal/format-number.ts'

/** A line to price. */
export type PriceableLine = Omit<PricedQuantity, 'customer'> & {
  readonly owner: string | null
  readonly keyId: string
}

/** What a customer pays: an owner, or a key without one. */
export interface CustomerAmount {
  readonly owner: string | null
  readonly keyId?: string
  readonly amount: string
}

/** Lines with what they cost. */
export interface PricedLines {
  /** One for each line, in their order; null where the price list has no price for it. */
  readonly amounts: readonly (string | null)[]
  readonly customers: readonly CustomerAmount[]
  readonly total: string
  readonly notes: readonly string[]
}

/** Who shares free quantities and tiers: a customer, or a key without one. */
export function customerOf({ owner, keyId }: Pick<PriceableLine, 'owner' | 'keyId'>): string {
  return owner ?? keyId
}

/** Prices lines, in the order of a statement: the amount of a line may depend on the lines before it. */
export function priceLines(
  list: PriceList,
  lines: readonly PriceableLine[],
  before?: CountedBefore,
): PricedLines {
  const pricer = new Pricer(list, before)
  const amounts = lines.map((line) => pricer.price({ ...line, customer: customerOf(line) }))
  const sum = (numbers: readonly number[]) =>
    addMoney(
      numbers.flatMap((n) => amounts[n] ?? []),
      list.digits,
    )
  const numbers = lines.map((_, n) => n)
  const byCustomer = Map.groupBy(numbers, (n) => customerOf(lines[n]!))
  const customers = [...byCustomer.values()].map((some): CustomerAmount => {
    const { owner, keyId } = lines[some[0]!]!
    return owner === null ? { owner, keyId, amount: sum(some) } : { owner, amount: sum(some) }
  })
  return { amounts, customers, total: sum(numbers), notes: notePriceless(lines, amounts) }
}

function notePriceless(lines: readonly PriceableLine[], amounts: PricedLines['amounts']): string[] {
  const priceless = lines.filter((_, n) => amounts[n] === null)
  if (priceless.length === 0) return []
  const units = [...new Set(priceless.map(({ unit }) => unit))].join(', ')
  const what = countOf(priceless.length, 'line has', 'lines have')
  return [`${what} no price (${units}): no rule of the price list fits.`]
}
