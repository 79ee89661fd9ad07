import { chunksOf } from '../../model/chunks-of.ts'
import type { Batch, BatchRow } from '../../model/batch.ts'
import { OTHER_ENDPOINT } from '../../model/operation.ts'
import { EVERY_METHOD, takesMethod } from '../../model/route.ts'
import { HOUR_MS } from '../../time/units.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { NotedCalls } from './noted-calls.ts'
import { placeholders } from '../database/placeholders.ts'

/** Endpoints that are looked up at once. */
const CHUNK = 500
/** Endpoints collected before they are looked up: a batch may have any number. */
const MOST_COLLECTED = 5000

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

/**
 * Writes when the registered routes were called last, once per hour and process, in the transaction that adds the
 * calls.
 */
export class BatchCalls {
  readonly #dialect: Dialect
  /** Start of the hour of the batch, epoch milliseconds; of the day, of a batch of a day. */
  readonly #hour: number
  /** What this process has noted before. */
  readonly #noted: NotedCalls
  /** What this transaction has noted. */
  readonly #added = new NotedCalls()
  /** Methods by endpoint. */
  readonly #collected = new Map<string, Set<string>>()
  #hasRoutes: boolean | undefined

  constructor(dialect: Dialect, { bucket }: Pick<Batch, 'bucket'>, noted: NotedCalls) {
    this.#dialect = dialect
    this.#hour = Math.floor(bucket / HOUR_MS) * HOUR_MS
    this.#noted = noted
  }

  async add(tx: Statements, rows: readonly BatchRow[]): Promise<void> {
    if (this.#hasRoutes === false) return
    for (const { endpoint, method } of rows) {
      if (this.#noted.has(this.#hour, method, endpoint)) continue
      if (this.#added.has(this.#hour, method, endpoint)) continue
      const methods = this.#collected.get(endpoint)
      if (methods) methods.add(method)
      else this.#collected.set(endpoint, new Set([method]))
    }
    if (this.#collected.size >= MOST_COLLECTED) await this.write(tx)
  }

  /** Writes what was collected. */
  async write(tx: Statements): Promise<void> {
    if (this.#collected.size === 0) return
    this.#hasRoutes ??= (await tx.query(ANY_ROUTE)).length > 0
    if (this.#hasRoutes) {
      const called = await findCalled(tx, this.#dialect, this.#hour, this.#collected)
      if (called.length > 0) {
        const given = this.#dialect.givenRows(COLUMNS, called, 2)
        await tx.query(NOTE(this.#dialect, given.sql), [this.#hour, ...given.params])
      }
      for (const [endpoint, methods] of this.#collected)
        for (const method of methods) this.#added.add(this.#hour, method, endpoint)
    }
    this.#collected.clear()
  }

  /** Call it after the commit. */
  remember(): void {
    if (this.#hasRoutes) this.#noted.take({ hour: this.#hour, calls: this.#added })
  }
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
  for (const chunk of chunksOf(endpoints, CHUNK)) {
    const list = placeholders(chunk, 2)
    const found = await tx.query<{ endpoint: string; method: string }>(FIND(dialect, list), [hour, ...chunk])
    for (const { endpoint, method } of found) {
      const isCalled = [...calls.get(endpoint)!].some((one) => takesMethod(method, one))
      if (isCalled) called.push([endpoint, method])
    }
  }
  return called
}
