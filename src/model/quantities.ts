import type { Quantities } from './statement.ts'
import { REQUESTS_UNIT } from './unit.ts'

/** Sums by unit as text, in the order of the units. */
export function toQuantities(sums: ReadonlyMap<string, bigint>): Quantities {
  return Object.fromEntries(
    [...sums].sort(([a], [b]) => compareUnits(a, b)).map(([unit, sum]) => [unit, String(sum)]),
  )
}

/** `requests` first, then bytewise. */
export function compareUnits(a: string, b: string): number {
  if (a === b) return 0
  if (a === REQUESTS_UNIT || b === REQUESTS_UNIT) return a === REQUESTS_UNIT ? -1 : 1
  return a < b ? -1 : 1
}

/** Whether two sums are equal; a unit that is absent is 0. */
export function sameQuantities(a: Quantities, b: Quantities): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every(
    (unit) => (a[unit] ?? '0') === (b[unit] ?? '0'),
  )
}

/** `1,507 requests, 20 tokens` */
export function describeQuantities(quantities: Quantities): string {
  return Object.entries(quantities)
    .sort(([a], [b]) => compareUnits(a, b))
    .map(
      ([unit, quantity]) =>
        `${groupDigits(quantity)} ${unit === REQUESTS_UNIT && quantity === '1' ? 'request' : unit}`,
    )
    .join(', ')
}

/** `-1,234,567` */
export function groupDigits(quantity: string): string {
  return quantity.replace(/\B(?=(\d{3})+$)/g, ',')
}
