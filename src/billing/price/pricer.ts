import { Decimal } from 'decimal.js'
import { Exact } from './price-list.ts'
import type { PriceList, PriceRule, PriceTier } from './price-list.ts'

/** A quantity to price. */
export interface PricedQuantity {
  /** Who shares free quantities and tiers: a customer, or a key without one. */
  readonly customer: string
  /** The period whose quantities count together. */
  readonly period: string | number
  readonly method: string
  readonly endpoint: string
  readonly unit: string
  readonly quantity: string
}

/** What a rule had counted of a period and customer before; for corrections of earlier statements. */
export type CountedBefore = (rule: PriceRule, period: string | number, customer: string) => bigint

/**
 * Prices quantities one after the other. Free quantities and tiers are graduated, and count for a customer, period and
 * rule together, over all endpoints of the rule. An amount is the cost after the quantity minus the cost before it,
 * rounded half even. So a correction costs exactly what it changes.
 */
export class Pricer {
  readonly #list: PriceList
  readonly #before: CountedBefore
  readonly #counted = new Map<string, Decimal>()

  constructor(list: PriceList, before: CountedBefore = () => 0n) {
    this.#list = list
    this.#before = before
  }

  /** The amount as text; null when no rule fits. */
  price({ customer, period, method, endpoint, unit, quantity }: PricedQuantity): string | null {
    const rule = findRule(this.#list, { method, endpoint, unit })
    if (!rule) return null
    const name = JSON.stringify([this.#list.rules.indexOf(rule), period, customer])
    const from = this.#counted.get(name) ?? new Exact(String(this.#before(rule, period, customer)))
    const to = from.plus(quantity)
    this.#counted.set(name, to)
    const amount = costOf(rule.tiers, to).minus(costOf(rule.tiers, from))
    return roundAmount(amount, this.#list.digits)
  }
}

/** The rule of a line: the first one that fits. */
export function findRule(
  { rules }: PriceList,
  { method, endpoint, unit }: Pick<PricedQuantity, 'method' | 'endpoint' | 'unit'>,
): PriceRule | undefined {
  return rules.find((rule) => rule.unit === unit && rule.matches(method, endpoint))
}

/** Adds amounts; those of lines are rounded already. */
export function addMoney(amounts: readonly string[], digits: number): string {
  return roundAmount(
    amounts.reduce((sum, amount) => sum.plus(amount), new Exact(0)),
    digits,
  )
}

/** Half even, also called banker's rounding; never `-0.00`. */
function roundAmount(amount: Decimal, digits: number): string {
  const rounded = amount.toDecimalPlaces(digits, Decimal.ROUND_HALF_EVEN)
  return (rounded.isZero() ? new Exact(0) : rounded).toFixed(digits)
}

/** What the first `quantity` units cost; nothing below 0. */
function costOf(tiers: readonly PriceTier[], quantity: Decimal): Decimal {
  let cost = new Exact(0)
  let from = new Exact(0)
  for (const { upTo, price } of tiers) {
    const to = upTo && upTo.lt(quantity) ? upTo : quantity
    if (to.lte(from)) break
    cost = cost.plus(to.minus(from).times(price))
    from = to
  }
  return cost
}
