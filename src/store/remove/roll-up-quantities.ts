import type { Statements } from '../database/dialect.ts'
import { toStored } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import { countedRows, writeAddQuantities } from '../write/record-batch.ts'
import { QUANTITY_COLUMNS } from '../write/row-columns.ts'
import { lockQuantities } from './lock-rows.ts'

/** A row that is merged, without its time. */
interface MergedQuantity {
  readonly api_key_id: string
  readonly endpoint: string
  readonly method: string
  readonly status: number
  readonly unit: string
  readonly request_count: string | number
  /** As text, because the driver of SQLite rounds large numbers. */
  readonly quantity: string
  readonly import_id: number
}

/**
 * Merges the quantities of `api_key_analytics_quantities t` that match a condition into those of a UTC day. Call it after
 * the rows of the day: every writer locks rows before quantities.
 * @returns how many were merged
 */
export async function rollUpQuantities(
  tx: Statements,
  db: Database,
  day: number,
  { condition, params }: { readonly condition: string; readonly params: readonly unknown[] },
): Promise<number> {
  await lockQuantities(tx, db, condition, params)
  // not in one statement: a flush may add rows between two, so what is merged is what was deleted
  const deleted = await tx.query<MergedQuantity>(
    `delete from api_key_analytics_quantities as t
where ${condition}
returning api_key_id, endpoint, method, status, unit, request_count, cast(quantity as text) as quantity, import_id`,
    params,
  )
  if (deleted.length === 0) return 0
  for (const [importId, ofImport] of Map.groupBy(deleted, (row) => row.import_id)) {
    const rows = [...Map.groupBy(ofImport, nameOf).values()].map(addUp).sort(compareNames)
    const given = db.dialect.givenRows(QUANTITY_COLUMNS, rows, 3)
    const add = writeAddQuantities(db.dialect, given.sql, { ...countedRows(db.dialect), importId })
    await tx.query(add, [day, 1440, ...given.params])
  }
  return deleted.length
}

function nameOf({ api_key_id: keyId, endpoint, method, status, unit }: MergedQuantity): string {
  return JSON.stringify([keyId, endpoint, method, status, unit])
}

/** The columns of `QUANTITY_COLUMNS` for rows with one name. */
function addUp(rows: readonly MergedQuantity[]): unknown[] {
  const { api_key_id: keyId, endpoint, method, status, unit } = rows[0]!
  const requests = rows.reduce((sum, row) => sum + Number(row.request_count), 0)
  const quantity = rows.reduce((sum, row) => sum + BigInt(row.quantity), 0n)
  return [keyId, endpoint, method, status, unit, requests, toStored(quantity, unit)]
}

/** The order of the primary key. */
function compareNames(a: readonly unknown[], b: readonly unknown[]): number {
  const differing = a.findIndex((value, index) => value !== b[index])
  return differing < 0 ? 0 : (a[differing] as string) < (b[differing] as string) ? -1 : 1
}
