import type { Batch, BatchRow } from '../../model/batch.ts'
import { OTHER_ENDPOINT } from '../../model/operation.ts'
import { EVERY_METHOD, takesMethod } from '../../model/route.ts'
import { HOUR_MS } from '../../time/units.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { NotedCalls } from './noted-calls.ts'

/** Endpoints that are looked up at once. */
const CHUNK = 500

const ANY_ROUTE = 'select 1 from api_key_analytics_routes limit 1'

const FIND = (dialect: Dialect, given: string) => `
select r.endpoint, r.method
from api_key_analytics_routes r
where r.endpoint in (${given}) and (r.last_called_at is null or r.last_called_at < ${dialect.timeOf('$1')})
order by r.endpoint, r.method`

const COLUMNS = { endpoint: 'text', method: 'text' }

/** An upsert of rows that exist: it locks them in order, and Citus cannot update from a list of given rows. */
const NOTE = (dialect: Dialect, given: string) => `
insert into api_key_analytics_routes as r (endpoint, method, last_called_at)
select endpoint, method, ${dialect.timeOf('$1')}
from ${given}
where true
order by n
on conflict (endpoint, method) do update set
  last_called_at = case when r.last_called_at > excluded.last_called_at
    then r.last_called_at else excluded.last_called_at end`

/** The operations of rows that this process has not noted in the hour of the batch: their methods by endpoint. */
export function collectCalls(
  batch: Pick<Batch, 'bucket'>,
  rows: readonly BatchRow[],
  noted: NotedCalls,
  calls: Map<string, Set<string>>,
): void {
  const hour = hourOf(batch)
  for (const { endpoint, method } of rows) {
    if (noted.has(hour, method, endpoint)) continue
    const methods = calls.get(endpoint)
    if (methods) methods.add(method)
    else calls.set(endpoint, new Set([method]))
  }
}

/**
 * Writes when the registered routes were called last, once per hour, in the transaction that adds the calls.
 * @returns whether there are any routes
 */
export async function noteCalls(
  tx: Statements,
  dialect: Dialect,
  batch: Pick<Batch, 'bucket'>,
  calls: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<boolean> {
  if (calls.size === 0) return false
  if ((await tx.query(ANY_ROUTE)).length === 0) return false
  const hour = hourOf(batch)
  const called = await findCalled(tx, dialect, hour, calls)
  if (called.length === 0) return true
  const given = dialect.givenRows(COLUMNS, called, 2)
  await tx.query(NOTE(dialect, given.sql), [hour, ...given.params])
  return true
}

/** Start of the hour of a batch, epoch milliseconds: the day of a batch of a day. */
export function hourOf({ bucket }: Pick<Batch, 'bucket'>): number {
  return Math.floor(bucket / HOUR_MS) * HOUR_MS
}

async function findCalled(
  tx: Statements,
  dialect: Dialect,
  hour: number,
  calls: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<string[][]> {
  // there is one row for all methods: it says that some routes are hidden
  const called: string[][] = calls.has(OTHER_ENDPOINT) ? [[OTHER_ENDPOINT, EVERY_METHOD]] : []
  const endpoints = [...calls.keys()].filter((endpoint) => endpoint !== OTHER_ENDPOINT)
  for (let start = 0; start < endpoints.length; start += CHUNK) {
    const chunk = endpoints.slice(start, start + CHUNK)
    const list = chunk.map((_, index) => `$${index + 2}`).join(', ')
    const found = await tx.query<{ endpoint: string; method: string }>(FIND(dialect, list), [hour, ...chunk])
    for (const { endpoint, method } of found) {
      const isCalled = [...calls.get(endpoint)!].some((one) => takesMethod(method, one))
      if (isCalled) called.push([endpoint, method])
    }
  }
  return called
}
