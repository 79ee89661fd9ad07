import { compareTexts } from '../../model/compare-texts.ts'
import { compareUnits } from '../../model/quantities.ts'
import { readTextFile } from '../../options/read-text-file.ts'
import type { InvoiceLine, Pricing } from '../../report/usage/pricing.ts'
import { readKeyNames } from '../../store/keys/read-key-names.ts'
import { compareKeys } from '../close/line-order.ts'
import { parsePriceList } from './price-list.ts'
import type { PriceList } from './price-list.ts'
import { priceLines } from './price-lines.ts'

/** Reads a file of prices. @throws WRONG_USAGE that names the line and the remedy */
export async function readPriceList(path: string): Promise<PriceList> {
  return parsePriceList(await readTextFile(path, 'Check --prices.'), path)
}

/** Prices the lines of a report as those of a statement of the same period: in the same order, with the same arithmetic. */
export function makeReportPricing(list: PriceList): Pricing {
  return async (db, lines) => {
    const names = await readKeyNames(db, [...new Set(lines.map(({ key }) => key.id))])
    const order = lines
      .map((_, n) => n)
      .sort(
        (a, b) =>
          compareKeys(lines[a]!.key.id, lines[b]!.key.id, names) || compareLines(lines[a]!, lines[b]!),
      )
    const inOrder = order.map((n) => {
      const { key, owner, method, endpoint, unit, quantity } = lines[n]!
      return { owner, keyId: key.id, period: 'open', method, endpoint, unit, quantity: String(quantity) }
    })
    const { amounts, customers, total, notes } = priceLines(list, inOrder)
    const byLine = new Map(order.map((n, position) => [n, amounts[position] ?? null]))
    return {
      prices: { currency: list.currency, total, customers },
      amounts: lines.map((_, n) => byLine.get(n) ?? null),
      notes,
    }
  }
}

function compareLines(a: InvoiceLine, b: InvoiceLine): number {
  return (
    compareTexts(a.endpoint, b.endpoint) ||
    compareTexts(a.method, b.method) ||
    compareUnits(a.unit, b.unit) ||
    compareTexts(a.owner ?? '', b.owner ?? '')
  )
}
