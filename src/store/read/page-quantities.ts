import type { StreamQuery } from '../../model/usage-query.ts'
import type { UsageQuantity } from '../../model/usage-row.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterUsage } from './usage-filter.ts'
import type { KeylessPage } from './usage-page.ts'

/** The end of a page: the primary key of its last row. */
export type Place = Readonly<Record<string, unknown>>

/** SQL for the rows after a place, or up to and including it, in stored order. */
export function comparePlace(
  dialect: Dialect,
  operator: '>' | '<=',
  place: Place,
  parameters: SqlParameters,
): string {
  const values = dialect.storedOrder.map((column) => {
    const value = parameters.add(place[column])
    return column === 'bucket' ? dialect.timeOf(value) : value
  })
  return `(${dialect.storedOrder.map((column) => `t.${column}`).join(', ')}) ${operator} (${values.join(', ')})`
}

/** The place of the last row of a page. */
export function findPlace(page: KeylessPage): Place {
  return placeOf(page, page.keyId.length - 1)
}

function placeOf(page: KeylessPage, row: number): Place {
  return {
    api_key_id: page.keyId[row],
    bucket: page.bucket[row]?.getTime(),
    bucket_minutes: page.bucketMinutes[row],
    endpoint: page.endpoint[row],
    method: page.method[row],
    status: page.status[row],
    import_id: page.importId![row],
  }
}

/**
 * The cells that have quantities and no row of requests, as rows of `api_key_analytics t` without requests. The
 * condition is on `t`.
 */
export function cellsWithoutRequests({ histogram }: Dialect, condition: string): string {
  return `select distinct t.api_key_id, t.bucket, t.bucket_minutes, t.endpoint, t.method, t.status,
      0 as request_count, 0 as duration_us, 0 as duration_first_bin, ${histogram.fromJson("'[]'")} as duration_bins,
      t.import_id
    from api_key_analytics_quantities t
    where ${condition} and not exists (
      select 1 from api_key_analytics u
      where u.api_key_id = t.api_key_id and u.bucket = t.bucket and u.bucket_minutes = t.bucket_minutes
        and u.endpoint = t.endpoint and u.method = t.method and u.status = t.status and u.import_id = t.import_id
    )`
}

/** The quantities of the rows of a page that begins after a place, in the order of units. */
export async function readPageQuantities(
  tx: Statements,
  dialect: Dialect,
  query: StreamQuery,
  page: KeylessPage,
  after: Place | undefined,
): Promise<readonly (readonly UsageQuantity[])[]> {
  const parameters = new SqlParameters()
  const conditions = [filterUsage(dialect, query, parameters)]
  if (after) conditions.push(comparePlace(dialect, '>', after, parameters))
  conditions.push(comparePlace(dialect, '<=', findPlace(page), parameters))
  const columns = dialect.storedOrder.map((column) =>
    column === 'bucket' ? `${dialect.millisecondsOf('t.bucket')} as bucket` : `t.${column}`,
  )
  // as text: the driver of SQLite rounds large numbers
  const found = await tx.query<Record<string, string | number>>(
    `select ${columns.join(', ')}, t.unit, t.request_count, cast(t.quantity as text) as quantity
from api_key_analytics_quantities t
where ${conditions.join('\n  and ')}
order by t.unit`,
    parameters.values,
  )
  const byPlace = Map.groupBy(found, (row) => nameOfPlace(row))
  return page.keyId.map((_, row) =>
    (byPlace.get(nameOfPlace(placeOf(page, row))) ?? []).map(
      ({ unit, request_count: requests, quantity }) => ({
        unit: String(unit),
        requestCount: Number(requests),
        quantity: BigInt(quantity!),
      }),
    ),
  )
}

const nameOfPlace = (place: Place): string =>
  [
    place['api_key_id'],
    place['bucket'],
    place['bucket_minutes'],
    place['status'],
    place['import_id'],
    place['method'],
    place['endpoint'],
  ].join(' ')
