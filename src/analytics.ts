import type { Context } from 'koa'
import type { ApiKeyAnalytics } from './api-key-analytics.ts'
import { createAnalyticsDatabase } from './analytics-database.ts'
import { CounterBuffer } from './buffer/counter-buffer.ts'
import { Flusher } from './buffer/flusher.ts'
import { Refresh } from './buffer/refresh.ts'
import { MemoryFiles } from './buffer/memory-files.ts'
import { removeAtExit } from './buffer/folder/remove-at-exit.ts'
import { ProcessFolder } from './buffer/folder/process-folder.ts'
import { pepperCheck } from './model/compute-key-id.ts'
import { createCountAccess } from './capture/count-access.ts'
import { KnownKeys } from './capture/key/known-keys.ts'
import { createIdentifyKey } from './capture/key/identify-key.ts'
import { createMiddleware } from './capture/middleware.ts'
import { createReadKey } from './capture/key/read-key.ts'
import type { CountedKey } from './model/request-counter.ts'
import type { Operation } from './model/operation.ts'
import { MOST_ROUTES } from './model/route.ts'
import type { RouteRegistration } from './model/route.ts'
import { MEMORY_DATABASE } from './options/database-location.ts'
import { targetOf } from './options/database-target.ts'
import { createDisabledAnalytics } from './disabled-analytics.ts'
import type { CustomerAnswer, CustomerQuestion } from './model/customer-usage.ts'
import type { AnalyticsOptions } from './options/options.ts'
import { resolveOptions } from './options/resolve-options.ts'
import { requireNode } from './options/require-node.ts'
import { createQuotaOf } from './quotas/create-quota-of.ts'
import { QuotaWatch } from './quotas/quota-watch.ts'
import { setRateLimit } from './web/rate-limit-headers.ts'
import { setDeprecation } from './web/deprecation-headers.ts'
import { DeprecationWatch } from './routes/deprecation-watch.ts'
import { RouteRegistry } from './routes/route-registry.ts'
import { describeDatabaseUrl } from './options/parse-database-url.ts'
import type { AnalyticsStats } from './monitoring/analytics-stats.ts'
import { judgeHealth } from './monitoring/judge-health.ts'
import { renderPrometheus } from './monitoring/render-prometheus.ts'

/**
 * How late a changed clock, or one that went on while the machine slept, is noticed. Reading it this rarely costs
 * nothing.
 */
const CLOCK_STEADY_MS = 5

// looks up `Date` each time, because tests replace it
const systemClock = () => Date.now()

/**
 * Makes the Koa middleware that counts who calls what. Put it first: `app.use(apiKeyAnalytics())`.
 * @throws OPTION_INVALID for a wrong option, NODE_TOO_OLD; after that nothing of it throws into a request
 */
export function apiKeyAnalytics(given: AnalyticsOptions = {}): ApiKeyAnalytics {
  return startAnalytics(given, systemClock)
}

/** `apiKeyAnalytics` with another clock (epoch milliseconds): the demo plays a week in seconds. */
export function startAnalytics(given: AnalyticsOptions, now: () => number): ApiKeyAnalytics {
  requireNode()
  const options = resolveOptions(given)
  if (!options.enabled) return createDisabledAnalytics(options)
  const { dataDir, bucketMinutes, units, mapCounters, maxKeys, maxEndpointsPerKey, flushIntervalMs } = options
  const report = options.onError
  const knownKeys = new KnownKeys(maxKeys)
  const { store, openUsage, customers } = createAnalyticsDatabase(
    options.database,
    pepperCheck(options.pepper),
  )
  const inMemory = options.database === MEMORY_DATABASE
  const folder = inMemory
    ? undefined
    : new ProcessFolder({
        dataDir,
        bucketMinutes,
        units,
        target: targetOf(describeDatabaseUrl(options.database), dataDir),
        mapped: mapCounters,
        report,
      })
  const buffer = new CounterBuffer({
    files: folder ?? new MemoryFiles({ bucketMinutes, units }),
    bucketMinutes,
    maxKeys,
    maxEndpointsPerKey,
    now,
    // a given clock may jump at any time, as in the demo or in tests
    steadyMs: now === systemClock && folder ? CLOCK_STEADY_MS : 0,
    onRotate: () => flusher.trigger(),
  })
  const onKnownKeys = (ids: readonly string[]) => knownKeys.replace(ids)
  const quotaWatch = new QuotaWatch({ units, now })
  const quotas = new Refresh({
    read: () => store.findQuotas(maxKeys, now()),
    onRead(found, settled) {
      quotaWatch.replace(found, settled)
      buffer.watch(quotaWatch.isEmpty ? undefined : quotaWatch)
    },
    report,
  })
  const deprecations = new DeprecationWatch()
  const deprecationRefresh = new Refresh({
    read: () => store.findDeprecations(MOST_ROUTES),
    onRead: (found) => deprecations.replace(found),
    report,
  })
  const register = (registration: RouteRegistration) => store.registerRoutes(registration)
  const flusher: Flusher = new Flusher({
    buffer,
    folder,
    store,
    dataDir,
    flushIntervalMs,
    maxKeys,
    onKnownKeys,
    routes: options.routes.length > 0 ? new RouteRegistry({ options, register, report, now }) : undefined,
    refreshes: options.deprecationHeaders ? [quotas, deprecationRefresh] : [quotas],
    report,
    now,
  })
  // one for all ways to count: what one of them hears of a key, the others know
  const readKey = createReadKey(options, report)
  const { identifyKey, findVouched } = createIdentifyKey(options, readKey, knownKeys, report)
  const quotasOf = (key: CountedKey) => quotaWatch.statesOf(key)

  function stats(): AnalyticsStats {
    const { counted, mode } = buffer
    const state = flusher.state
    return { counted, pending: counted - state.flushed, mode, counterFileBytes: folder?.bytes ?? 0, ...state }
  }

  if (folder) {
    removeAtExit(folder, () => stats().pending === 0 && buffer.additions === flusher.deliveredAdditions)
    flusher.start()
  }
  const startedAt = now()

  async function answer(question: CustomerQuestion): Promise<CustomerAnswer> {
    // no timer flushes a database in memory
    if (inMemory) await flusher.flush()
    // before the answer is read: it has at least what was delivered by then
    const completeUntil = flusher.completeAt ?? startedAt
    const found = await customers.answer(question)
    return { ...found, completeUntil: Math.min(completeUntil, found.completeUntil ?? completeUntil) }
  }

  const tellQuotas = (ctx: Context, key: CountedKey) => setRateLimit(ctx, quotasOf(key), now())
  function tellDeprecation(ctx: Context, operation: Operation): void {
    const headers = deprecations.headersOf(operation)
    if (headers) setDeprecation(ctx, headers)
  }
  const capture = {
    options,
    counter: buffer,
    knownKeys,
    identifyKey,
    findVouched,
    tellQuotas: options.rateLimitHeaders ? tellQuotas : undefined,
    tellDeprecation: options.deprecationHeaders ? tellDeprecation : undefined,
    report,
    usageOfCustomers: { answer, report },
  }
  return Object.assign(
    createMiddleware(capture),
    createQuotaOf({ identifyKey, readKey, statesOf: quotasOf, report }),
    {
      flush: () => flusher.flush(),
      async close() {
        await flusher.close()
        await customers.close()
      },
      async usage() {
        await flusher.flush()
        return openUsage()
      },
      stats,
      metrics: () => renderPrometheus(stats(), now()),
      health: () => judgeHealth(stats(), inMemory),
      addEndpointAccess: createCountAccess({ readKey, counter: buffer, knownKeys, options }),
    },
  )
}
