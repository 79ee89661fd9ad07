import type { ApiKeyAnalyticsPrune } from '../database/entities/api-key-analytics-prune.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { toStored } from '../database/exact-sum.ts'

/** What one transaction removed. */
export interface Removal {
  readonly action: ApiKeyAnalyticsPrune['action']
  /** Everything in scope that begins before this is done now; null when the scope is all time. */
  readonly before: number | null
  /** The affected key; null for all keys. */
  readonly keyId: string | null
  readonly rows: number
  readonly requests: number
  /** By unit; only what is removed. */
  readonly quantities?: ReadonlyMap<string, bigint> | undefined
  /** By unit, `requests` included: what closed periods bill of it, as `noteRemoved` noted it. */
  readonly closed?: ReadonlyMap<string, bigint> | undefined
}

const LOG_QUANTITIES = (dialect: Dialect, given: string) => `
insert into api_key_analytics_pruned_quantities as q (prune_id, unit, quantity, closed_quantity)
select prune_id, unit, quantity, closed_quantity
from ${given}
where true
order by n
on conflict (prune_id, unit) do update set
  quantity = ${dialect.addWhole('q.quantity', 'excluded.quantity')},
  closed_quantity = ${dialect.addWhole('q.closed_quantity', 'excluded.closed_quantity')}`

/**
 * Logs a removal in its own transaction, so that totals add up at every commit. Adds a new row to the log, or adds to
 * the row `id` of the same run. Returns the row's id, which is valid after the transaction has committed.
 */
export async function logRemoval(
  tx: Statements,
  dialect: Dialect,
  id: number | undefined,
  { action, before, keyId, rows, requests, quantities, closed }: Removal,
): Promise<number> {
  const now = Date.now()
  const closedRequests = String(closed?.get('requests') ?? 0)
  const [logged] =
    id === undefined
      ? await tx.query<{ id: number }>(
          `insert into api_key_analytics_prunes (action, done_at, before, api_key_id, row_count, request_count, closed_request_count)
values ($1, ${dialect.timeOf('$2')}, ${dialect.timeOf('$3')}, $4, $5, $6, $7)
returning id`,
          [action, now, before, keyId, rows, requests, closedRequests],
        )
      : await tx.query<{ id: number }>(
          `update api_key_analytics_prunes
set done_at = ${dialect.timeOf('$2')},
  before = ${dialect.timeOf('$3')},
  row_count = row_count + $4,
  request_count = request_count + $5,
  closed_request_count = closed_request_count + $6
where id = $1
returning id`,
          [id, now, before, rows, requests, closedRequests],
        )
  if (quantities?.size) {
    const given = dialect.givenRows(
      { prune_id: 'int', unit: 'text', quantity: 'bigint', closed_quantity: 'bigint' },
      [...quantities].map(([unit, quantity]) => [
        logged!.id,
        unit,
        toStored(quantity, unit),
        toStored(closed?.get(unit) ?? 0n, unit),
      ]),
      1,
    )
    await tx.query(LOG_QUANTITIES(dialect, given.sql), given.params)
  }
  return logged!.id
}
