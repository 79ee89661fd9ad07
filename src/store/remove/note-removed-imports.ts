import { REQUESTS_UNIT } from '../../model/unit.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { toStored } from '../database/exact-sum.ts'

/** A removed row of an import, or the quantity of one of its units. */
interface RemovedRow {
  readonly import_id: number
  readonly unit: string
  readonly quantity: number | string
}

const ADD_REQUESTS = `
update api_key_analytics_imports
set removed_request_count = removed_request_count + $2
where id = $1`

const ADD_QUANTITY = (dialect: Dialect) => `
update api_key_analytics_import_quantities
set removed_quantity = ${dialect.addWhole('removed_quantity', 'cast($3 as bigint)')}
where import_id = $1 and unit = $2`

/** Remembers what was removed of imports, in the same transaction, so that what they brought stays provable. */
export async function noteRemovedImports(
  tx: Statements,
  dialect: Dialect,
  rows: readonly RemovedRow[],
): Promise<void> {
  const sums = new Map<string, { importId: number; unit: string; quantity: bigint }>()
  for (const { import_id: importId, unit, quantity } of rows) {
    const name = `${importId} ${unit}`
    const sum = sums.get(name) ?? { importId, unit, quantity: 0n }
    sum.quantity += BigInt(quantity)
    sums.set(name, sum)
  }
  // one order, so that two removals cannot deadlock
  const inOrder = [...sums].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [, { importId, unit, quantity }] of inOrder) {
    const stored = toStored(quantity, unit)
    if (unit === REQUESTS_UNIT) await tx.query(ADD_REQUESTS, [importId, stored])
    else await tx.query(ADD_QUANTITY(dialect), [importId, unit, stored])
  }
}
