import type { Context, Next } from 'koa'
import type { ApiKeyAnalytics } from './api-key-analytics.ts'
import { createCountAccess } from './capture/count-access.ts'
import { KnownKeys } from './capture/key/known-keys.ts'
import { createReadKey } from './capture/key/read-key.ts'
import { AnalyticsError } from './model/errors.ts'
import type { ResolvedOptions } from './options/options.ts'
import type { AnalyticsStats } from './monitoring/analytics-stats.ts'
import { judgeHealth } from './monitoring/judge-health.ts'
import { renderPrometheus } from './monitoring/render-prometheus.ts'

const NOTHING: AnalyticsStats = {
  counted: 0,
  flushed: 0,
  pending: 0,
  failedFlushes: 0,
  failuresInRow: 0,
  lastError: undefined,
  lastFlushAt: undefined,
  mode: 'off',
  counterFileBytes: 0,
}

/** What `enabled: false` stands for: nothing is counted or opened, and what can be called wrongly still throws. */
export function createDisabledAnalytics(options: ResolvedOptions): ApiKeyAnalytics {
  const knownKeys = new KnownKeys(options.maxKeys)
  const readKey = createReadKey(options, options.onError)

  function apiKeyAnalytics(_ctx: Context, next: Next): Promise<unknown> {
    return next()
  }

  return Object.assign(apiKeyAnalytics, {
    flush: async () => {},
    close: async () => {},
    stats: () => NOTHING,
    metrics: () => renderPrometheus(NOTHING, Date.now()),
    health: () => judgeHealth(NOTHING, true),
    async usage(): Promise<never> {
      throw new AnalyticsError(
        'OPTION_INVALID',
        "Nothing is counted, because the option enabled is false. Tests that read what was counted need { database: ':memory:' }.",
      )
    },
    quotaOf: () => undefined,
    quotasOf: () => [],
    addEndpointAccess: createCountAccess({
      readKey,
      counter: { count() {}, addQuantity() {} },
      knownKeys,
      options,
    }),
  })
}
