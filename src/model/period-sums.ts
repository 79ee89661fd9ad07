import { toQuantities } from './quantities.ts'
import type { Quantities, StatementLine } from './statement.ts'
import { REQUESTS_UNIT } from './unit.ts'

/** Adds up lines by the period that they belong to, and by unit. */
export class PeriodSums {
  readonly #sums = new Map<number, Map<string, bigint>>()

  add({ period, unit, quantity }: Pick<StatementLine, 'period' | 'unit' | 'quantity'>): void {
    const units = this.#sums.get(period) ?? new Map<string, bigint>([[REQUESTS_UNIT, 0n]])
    this.#sums.set(period, units.set(unit, (units.get(unit) ?? 0n) + BigInt(quantity)))
  }

  /** The sums of a period; `requests` is always there. */
  of(period: number): Quantities {
    return toQuantities(this.#sums.get(period) ?? new Map([[REQUESTS_UNIT, 0n]]))
  }

  /** The periods of all lines, ascending: numbers of the statements that closed them. */
  periods(): number[] {
    return [...this.#sums.keys()].sort((a, b) => a - b)
  }
}
