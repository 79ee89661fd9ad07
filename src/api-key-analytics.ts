import type { Context, Middleware } from 'koa'
import type { CounterMode } from './buffer/file/counter-memory.ts'
import type { EndpointAccess } from './capture/count-access.ts'
import type { ApiKey } from './model/key.ts'
import type { AnalyticsError } from './model/errors.ts'
import type { QuotaState } from './model/quota.ts'
import type { Usage } from './model/usage.ts'

/** What `analytics.stats()` returns. Counts are requests since this process started. */
export interface AnalyticsStats {
  /** Requests counted. */
  readonly counted: number
  /** Those of them that are in the database, or set aside because the database refused them. */
  readonly flushed: number
  /** Requests that wait: `counted - flushed`. */
  readonly pending: number
  /** Flushes that failed; each was retried or will be. */
  readonly failedFlushes: number
  readonly lastError: AnalyticsError | undefined
  /** When the last flush succeeded. */
  readonly lastFlushAt: Date | undefined
  /** `mapped` and `written` survive a kill of the process, `memory` does not; `off` counts nothing. */
  readonly mode: CounterMode | 'off'
}

/** The middleware itself, with its methods. */
export interface ApiKeyAnalytics extends Middleware {
  /**
   * Delivers everything that was counted so far.
   * @throws AnalyticsError when the database cannot take it now; the counts are kept and retried
   */
  flush(): Promise<void>
  /**
   * Stops the timers and flushes one last time, for at most ten seconds; never rejects. Requests that finish later are
   * still counted in the counter file, and delivered at the next start.
   */
  close(): Promise<void>
  stats(): AnalyticsStats
  /**
   * Flushes, and opens the database for reading. Only this way leads to a database `:memory:`. For any other database
   * it opens connections of its own, which the `close()` of the result closes.
   * @throws AnalyticsError when the flush fails; OPTION_INVALID when `enabled` is false
   */
  usage(): Promise<Usage>
  /**
   * The quota of a request (or a key) that has the smallest part left, its owner's included; with `unit` only quotas of
   * that unit. From memory: it never waits. Undefined when there is none. Nothing is refused by itself:
   *
   * ```ts
   * if (analytics.quotaOf(ctx)?.remaining === 0) ctx.throw(429, 'The quota is used up.')
   * ```
   */
  quotaOf(whose: Context | ApiKey, unit?: string): QuotaState | undefined
  /** All quotas of a request (or a key) and its owner; the one with the smallest part left comes first. */
  quotasOf(whose: Context | ApiKey): QuotaState[]
  /**
   * Counts one access that did not come through this app's HTTP server, such as a job run for a customer.
   * @param operation such as `{ method: 'POST', endpoint: '/jobs' }` or `'POST /jobs'`
   * @param more the usage, when the operation is a text: `{ usage: { tokens: 9 } }`
   * @throws ARGUMENT_INVALID when the key, the operation or the usage cannot be counted
   */
  addEndpointAccess(
    key: ApiKey,
    operation: EndpointAccess | string,
    more?: Pick<EndpointAccess, 'usage'>,
  ): void
}
