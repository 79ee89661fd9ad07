import type { Context, Middleware } from 'koa'
import type { EndpointAccess } from './capture/count-access.ts'
import type { ApiKey } from './model/key.ts'
import type { QuotaState } from './model/quota.ts'
import type { Usage } from './model/usage.ts'
import type { AnalyticsStats } from './monitoring/analytics-stats.ts'
import type { AnalyticsHealth } from './monitoring/judge-health.ts'

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
  /** `stats()` as Prometheus reads it. The content type is `PROMETHEUS_TYPE`. The same seven series, however many keys. */
  metrics(): string
  /** Whether counting is safe, and what needs a person. */
  health(): AnalyticsHealth
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
