import type { UsageDimension, UsageQuery } from '../../model/usage-query.ts'
import type { UsageQuantity } from '../../model/usage-row.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'
import type { Dialect } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { JOIN_FORMER_OWNER } from './owner-of-rows.ts'
import type { TimeBorders } from './time-borders.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterUsage, ofEveryKey } from './usage-filter.ts'
import { columnOf } from './write-usage-statement.ts'

/** A group as the database names it: the key's id, the owner, the number of the day … in the order of `by`. */
export type GroupName = readonly (string | number | null | undefined)[]

/** One text for each group. */
export const textOfGroup = (name: GroupName): string =>
  // the drivers differ in whether a number is a text
  JSON.stringify(name.map((part) => (part === null ? null : String(part))))

/** The quantities of each group, by `textOfGroup`, in the order of the units. */
export async function findQuantities(
  db: Database,
  query: UsageQuery,
  by: readonly UsageDimension[],
  borders: ReadonlyMap<UsageDimension, TimeBorders>,
  hasLines: boolean,
): Promise<Map<string, UsageQuantity[]>> {
  const { sql, params } = writeQuantitiesStatement(db.dialect, query, by, borders, hasLines)
  const rows = await db.query<Record<string, string | number | null>>(sql, params)
  const found = new Map<string, UsageQuantity[]>()
  for (const row of rows) {
    const group = textOfGroup(by.map((dimension) => row[dimension]))
    const quantity = {
      unit: String(row['unit']),
      requestCount: Number(row['request_count']),
      quantity: readExact(String(row['quantity'])),
    }
    const others = found.get(group)
    if (others) others.push(quantity)
    else found.set(group, [quantity])
  }
  return found
}

/** The statement of `findQuantities`. */
export function writeQuantitiesStatement(
  dialect: Dialect,
  query: UsageQuery,
  by: readonly UsageDimension[],
  borders: ReadonlyMap<UsageDimension, TimeBorders>,
  hasLines = false,
): { sql: string; params: unknown[] } {
  const parameters = new SqlParameters()
  const isByLine = hasLines && by.includes('key')
  const groups = by.map((dimension) => {
    if (dimension === 'key') return `${isByLine ? 'coalesce(l.line, t.api_key_id)' : 't.api_key_id'} as key`
    if (dimension === 'owner') return 'case when o.api_key_id is null then k.owner else o.owner end as owner'
    return columnOf(dialect, dimension, borders)
  })
  const columns = [...groups, 't.unit as unit']
  const numbers = columns.map((_, index) => index + 1)
  const joins = [
    ...(by.includes('owner')
      ? [`\njoin api_key_analytics_keys k on k.id = t.api_key_id\n${JOIN_FORMER_OWNER}`]
      : []),
    ...(isByLine ? ['\nleft join api_key_analytics_links l on l.api_key_id = t.api_key_id'] : []),
  ].join('')
  const sql = `select ${columns.join(', ')},
  sum(t.request_count) as request_count, ${sumExact('t.quantity')} as quantity
from api_key_analytics_quantities t${joins}
where ${filterUsage(dialect, query, parameters)} and ${ofEveryKey(dialect)}
group by ${numbers.join(', ')}
order by ${numbers.at(-1)}`
  return { sql, params: parameters.values }
}
