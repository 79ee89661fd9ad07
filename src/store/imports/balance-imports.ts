import { compareUnits } from '../../model/quantities.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import type { Statements } from '../database/dialect.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'

/** The account of one import in one unit: `stored + removed = brought`. */
export interface ImportAccount {
  /** As in `imports list`. */
  readonly import: number
  /** Null when the table has rows of an import that does not exist. */
  readonly name: string | null
  /** `requests` or another unit. */
  readonly unit: string
  readonly stored: bigint
  /** Pruned or forgotten on purpose. */
  readonly removed: bigint
  /** In its file. */
  readonly brought: bigint
  readonly balanced: boolean
}

/** What the table holds of an import in one unit. */
export interface StoredOfImport {
  readonly importId: number
  readonly unit: string
  readonly quantity: bigint
}

const BROUGHT = `
select i.id, i.name, '${REQUESTS_UNIT}' as unit, ${sumExact('i.request_count')} as brought,
  ${sumExact('i.removed_request_count')} as removed
from api_key_analytics_imports i
group by i.id, i.name
union all
select q.import_id, i.name, q.unit, ${sumExact('q.quantity')}, ${sumExact('q.removed_quantity')}
from api_key_analytics_import_quantities q
join api_key_analytics_imports i on i.id = q.import_id
group by q.import_id, i.name, q.unit`

/** Compares what the table holds of imports with what they brought. Rows with import 0 were counted and are left out. */
export async function balanceImports(
  tx: Statements,
  stored: readonly StoredOfImport[],
): Promise<ImportAccount[]> {
  type Row = { id: number; name: string; unit: string; brought: string; removed: string }
  const rows = await tx.query<Row>(BROUGHT)
  const accounts = new Map(
    rows.map(({ id, name, unit, brought, removed }) => [
      `${id} ${unit}`,
      { import: id, name, unit, stored: 0n, removed: readExact(removed), brought: readExact(brought) },
    ]),
  )
  const unknown: Omit<ImportAccount, 'balanced'>[] = []
  for (const { importId, unit, quantity } of stored) {
    if (importId === 0) continue
    const account = accounts.get(`${importId} ${unit}`)
    if (account) account.stored += quantity
    else unknown.push({ import: importId, name: null, unit, stored: quantity, removed: 0n, brought: 0n })
  }
  return [...accounts.values(), ...unknown]
    .sort((a, b) => a.import - b.import || compareUnits(a.unit, b.unit))
    .map((account) =>
      Object.assign(account, { balanced: account.stored + account.removed === account.brought }),
    )
}
