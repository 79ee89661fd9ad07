import type { UsageRow } from '../../model/usage-row.ts'

/** What a report counts: requests, or the quantity of its unit, which may be larger than a number can hold. */
export type Amount = number | bigint

/** The part of a total or a group that is counted. */
interface Counted {
  readonly requests: number
  readonly quantity?: bigint | undefined
}

/** The amount of a total or a group. */
export function amountOf({ requests, quantity }: Counted): Amount {
  return quantity ?? requests
}

/** Whether there is anything to show: a quantity may come without a request, and a request without a quantity. */
export function hasUsage({ requests, quantity }: Counted): boolean {
  return requests > 0 || Boolean(quantity)
}

/** The same of what a query found. */
export function amountOfRow({ requestCount, quantity }: Pick<UsageRow, 'requestCount' | 'quantity'>): Amount {
  return quantity ?? requestCount
}

/** Adds amounts of one kind; a sum of quantities may begin with 0. */
export function addAmounts(a: Amount, b: Amount): Amount {
  return typeof a === 'bigint' || typeof b === 'bigint' ? BigInt(a) + BigInt(b) : a + b
}

/** The difference of two amounts of one kind. */
export function subtractAmounts(a: Amount, b: Amount): Amount {
  return addAmounts(a, -b)
}

/** The sum of amounts. */
export function sumAmounts(amounts: readonly Amount[], unit: string | undefined): Amount {
  return amounts.reduce(addAmounts, zeroOf(unit))
}

/** Sorts amounts, least first. */
export function compareAmounts(a: Amount, b: Amount): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** No requests, or nothing of a unit. */
export function zeroOf(unit: string | undefined): Amount {
  return unit === undefined ? 0 : 0n
}

/** A part of an amount, 0 to 1. */
export function shareOf(part: Amount, whole: Amount): number {
  return whole ? Number(part) / Number(whole) : 0
}

/** The name of what is counted, within a sentence: `requests`, of one `request`, or the unit. */
export function nameOfAmount(unit: string | undefined, amount?: Amount): string {
  return unit ?? (Number(amount) === 1 ? 'request' : 'requests')
}

/** The same as a title: `Requests`, `Tokens`, `Output tokens`. */
export function titleOfAmount(unit: string | undefined): string {
  const name = nameOfAmount(unit).replaceAll('_', ' ')
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}
