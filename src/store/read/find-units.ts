import type { Statements } from '../database/dialect.ts'

/** Every unit that the database ever got, counted or imported, in their order. */
export async function findUnits(db: Statements): Promise<string[]> {
  const found = await db.query<{ unit: string }>(
    `select unit from api_key_analytics_ledger_units
union
select unit from api_key_analytics_import_quantities
order by unit`,
  )
  return found.map(({ unit }) => unit)
}
