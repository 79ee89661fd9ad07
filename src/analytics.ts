import type { AnalyticsStats, ApiKeyAnalytics } from './api-key-analytics.ts'
import { createAnalyticsDatabase } from './store/analytics-database.ts'
import { CounterBuffer } from './buffer/counter-buffer.ts'
import { Flusher } from './buffer/flusher.ts'
import { MemoryFiles } from './buffer/memory-files.ts'
import { removeAtExit } from './buffer/folder/remove-at-exit.ts'
import { ProcessFolder } from './buffer/folder/process-folder.ts'
import { pepperCheck } from './capture/compute-key-id.ts'
import { createCountAccess } from './capture/count-access.ts'
import { KnownKeys } from './capture/known-keys.ts'
import { createMiddleware } from './capture/middleware.ts'
import { createReadKey } from './capture/read-key.ts'
import { MEMORY_DATABASE } from './options/database-location.ts'
import { targetOf } from './options/database-target.ts'
import { createDisabledAnalytics } from './disabled-analytics.ts'
import type { CustomerAnswer, CustomerQuestion } from './model/customer-usage.ts'
import type { AnalyticsOptions } from './options/options.ts'
import { resolveOptions } from './options/resolve-options.ts'
import { requireNode } from './options/require-node.ts'
import { describeDatabaseUrl } from './store/database/parse-database-url.ts'

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
  const flusher: Flusher = new Flusher({
    buffer,
    folder,
    store,
    dataDir,
    flushIntervalMs,
    maxKeys,
    onKnownKeys,
    report,
    now,
  })
  const readKey = createReadKey(options, report)

  function stats(): AnalyticsStats {
    const { counted, mode } = buffer
    const state = flusher.state
    return { counted, pending: counted - state.flushed, mode, ...state }
  }

  if (folder) {
    removeAtExit(folder, () => stats().pending === 0 && buffer.additions === flusher.deliveredAdditions)
    flusher.start()
  }
  const startedAt = now()

  async function answer(question: CustomerQuestion): Promise<CustomerAnswer> {
    // no timer flushes a database in memory
    if (inMemory) await flusher.flush()
    // other processes flush in their own time
    const completeUntil = Math.min(flusher.completeAt ?? startedAt, now() - flushIntervalMs)
    return { ...(await customers.answer(question)), completeUntil }
  }

  const usageOfCustomers = { answer, report }
  return Object.assign(createMiddleware({ options, counter: buffer, knownKeys, report, usageOfCustomers }), {
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
    addEndpointAccess: createCountAccess({ readKey, counter: buffer, knownKeys, options }),
  })
}
