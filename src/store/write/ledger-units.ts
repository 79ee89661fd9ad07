import type { Batch } from '../../model/batch.ts'
import type { Dialect, Statements } from '../database/dialect.ts'

/** Rows of the ledger of units; `before` is what the instance counted before the batch. */
const UNIT_COLUMNS = { instance: 'uuid', unit: 'text', quantity: 'bigint', before: 'bigint' }

/** How requests enter the ledger: after all that it has, into a gap, or as the rest of its last batch. */
export type LedgerEntry = 'next' | 'gap' | 'rest'

/** What is missing after it: what was counted before the batch and never arrived, or what a gap had before. */
const MISSING: Readonly<Record<LedgerEntry, string>> = {
  next: 'excluded.missing - l.quantity',
  gap: 'l.missing - excluded.quantity',
  rest: 'l.missing',
}

/** An upsert in every case, because Citus cannot update from a list of given rows. */
const ENTER = (given: string, entry: LedgerEntry) => `
insert into api_key_analytics_ledger_units as l (instance, unit, quantity, missing)
select instance, unit, quantity, before
from ${given}
where true
order by n
on conflict (instance, unit) do update set
  quantity = l.quantity + excluded.quantity,
  missing = ${MISSING[entry]}`

const READ_COUNTED = `
select unit, quantity + missing as counted
from api_key_analytics_ledger_units
where instance = $1`

/** What an instance had counted of each unit by the end of its last batch here. */
export async function readCountedQuantities(
  tx: Statements,
  { instance }: Pick<Batch, 'instance'>,
): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.query<{ unit: string; counted: string | number }>(READ_COUNTED, [instance])
  return new Map(rows.map(({ unit, counted }) => [unit, Number(counted)]))
}

/** Enters the quantities of a batch, by unit, into the ledger, as its requests were entered. */
export async function enterQuantities(
  tx: Statements,
  dialect: Dialect,
  { instance, units }: Batch,
  entry: LedgerEntry,
  quantities: ReadonlyMap<string, number>,
): Promise<void> {
  const rows = (units?.totals ?? [])
    .map(({ unit, before }) => [instance, unit, quantities.get(unit) ?? 0, before] as const)
    .filter(([, , quantity, before]) => quantity > 0 || (entry === 'next' && before > 0))
  if (rows.length === 0) return
  const given = dialect.givenRows(UNIT_COLUMNS, rows, 1)
  await tx.query(ENTER(given.sql, entry), given.params)
}
