import type { Quantities, StatementLine } from '../model/statement.ts'

/** The unit that every statement has. */
export const REQUESTS = 'requests'

/** Sums of lines by unit, `requests` first. */
export function addQuantities(lines: Iterable<Pick<StatementLine, 'unit' | 'quantity'>>): Quantities {
  const sums = new Map<string, bigint>([[REQUESTS, 0n]])
  for (const { unit, quantity } of lines) sums.set(unit, (sums.get(unit) ?? 0n) + BigInt(quantity))
  return toQuantities(sums)
}

/** Sums by unit as text, in the order of the units. */
export function toQuantities(sums: ReadonlyMap<string, bigint>): Quantities {
  return Object.fromEntries(
    [...sums].sort(([a], [b]) => compareUnits(a, b)).map(([unit, sum]) => [unit, String(sum)]),
  )
}

/** `requests` first, then bytewise. */
export function compareUnits(a: string, b: string): number {
  if (a === b) return 0
  if (a === REQUESTS || b === REQUESTS) return a === REQUESTS ? -1 : 1
  return a < b ? -1 : 1
}

/** Whether two sums are equal; a unit that is absent is 0. */
export function sameQuantities(a: Quantities, b: Quantities): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every(
    (unit) => (a[unit] ?? '0') === (b[unit] ?? '0'),
  )
}
