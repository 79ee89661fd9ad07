import type { Middleware } from 'koa'
import type { CounterMode } from './buffer/file/counter-memory.ts'
import type { EndpointAccess } from './capture/count-access.ts'
import type { ApiKey } from './model/key.ts'
import type { AnalyticsError } from './model/errors.ts'
import type { Usage } from './model/usage.ts'

/** What `analytics.stats()` returns. Counts are requests since this process started. */
export interface AnalyticsStats {
  /** Requests counted. */
  readonly counted: number
  /** Requests of those that are in the database, or set aside because it refused them. */
  readonly flushed: number
  /** Requests that wait: `counted - flushed`. */
  readonly pending: number
  /** Flushes that failed, each of which was or will be tried again. */
  readonly failedFlushes: number
  readonly lastError: AnalyticsError | undefined
  /** When the last flush went well. */
  readonly lastFlushAt: Date | undefined
  /** `mapped` and `written` survive a kill of the process, `memory` does not; `off` counts nothing. */
  readonly mode: CounterMode | 'off'
}

/** The middleware itself, and what can be asked of it. */
export interface ApiKeyAnalytics extends Middleware {
  /**
   * Delivers all that was counted so far.
   * @throws AnalyticsError when the database does not take it now; the counts are kept and tried again
   */
  flush(): Promise<void>
  /**
   * Stops the timers and flushes one last time, for at most ten seconds; never rejects. Requests that finish later
   * are still counted in the counter file, and delivered by the next start.
   */
  close(): Promise<void>
  stats(): AnalyticsStats
  /**
   * Flushes, and opens the database for reading: the way to a database `:memory:`. Any other one has connections of
   * its own here, which the `close()` of the result ends.
   * @throws AnalyticsError when the flush fails; OPTION_INVALID when `enabled` is false
   */
  usage(): Promise<Usage>
  /**
   * Counts one access that did not come through this app's HTTP, such as a job run for a customer.
   * @param operation such as `{ method: 'POST', endpoint: '/jobs' }` or `'POST /jobs'`
   * @throws ARGUMENT_INVALID when the key or the operation cannot be counted
   */
  addEndpointAccess(key: ApiKey, operation: EndpointAccess | string): void
}
