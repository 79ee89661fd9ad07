import type { UsageRow } from '../model/usage-row.ts'
import { KeyHistory } from './key-history.ts'
import type { UsedUnit } from './key-history.ts'

/** What a key used of a unit in one hour. */
interface UsedInHour {
  readonly quantity: bigint
  readonly requestCount: number
}

/** The hours of one unit of a key. */
export class UnitHistory implements UsedUnit {
  readonly unit: string
  /** The mean of the requests before the period; of a key that did not use the unit before, of those in the period. */
  readonly perRequest: number
  readonly usual: KeyHistory
  readonly #hours: ReadonlyMap<number, UsedInHour>

  /**
   * @param rows by hour
   * @param parts of the history of the key; `start` not before the unit was first counted
   */
  constructor(
    unit: string,
    rows: readonly UsageRow[],
    {
      hourOf,
      ...parts
    }: { readonly hourOf: (row: UsageRow) => number } & Pick<
      KeyHistory,
      'key' | 'periodStart' | 'start' | 'length'
    > & { readonly origin: Date },
  ) {
    const found = rows.map((row) => [hourOf(row), row] as const)
    const before = meanOf(found.filter(([hour]) => hour < parts.periodStart).map(([, row]) => row))
    this.unit = unit
    this.perRequest = before ?? meanOf(rows) ?? 1
    this.#hours = new Map(
      found.map(([hour, { quantity = 0n, requestCount }]) => [hour, { quantity, requestCount }]),
    )
    const served = new Float64Array(parts.length)
    for (const [hour, { quantity }] of this.#hours) served[hour] = Number(quantity) / this.perRequest
    const none = new Float64Array(parts.length)
    this.usual = new KeyHistory({
      ...parts,
      counts: { served, rejected: none, notFound: none, failed: none },
      units: [],
    })
  }

  sum(hours: readonly number[]): UsedInHour {
    const found = hours.flatMap((hour) => this.#hours.get(hour) ?? [])
    return {
      quantity: found.reduce((sum, { quantity }) => sum + quantity, 0n),
      requestCount: found.reduce((sum, { requestCount }) => sum + requestCount, 0),
    }
  }
}

/** The mean quantity of a request; undefined without any. */
function meanOf(rows: readonly UsageRow[]): number | undefined {
  const quantity = rows.reduce((sum, row) => sum + (row.quantity ?? 0n), 0n)
  const requests = rows.reduce((sum, { requestCount }) => sum + requestCount, 0)
  return requests > 0 && quantity > 0n ? Number(quantity) / requests : undefined
}
