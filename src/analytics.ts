import type { Middleware } from 'koa'
import { createAnalyticsDatabase } from './store/analytics-database.ts'
import { CounterBuffer } from './buffer/counter-buffer.ts'
import type { CounterMode } from './buffer/file/counter-memory.ts'
import { Flusher } from './buffer/flusher.ts'
import { MemoryFiles } from './buffer/memory-files.ts'
import { removeAtExit } from './buffer/folder/remove-at-exit.ts'
import { ProcessFolder } from './buffer/folder/process-folder.ts'
import { pepperCheck } from './capture/compute-key-id.ts'
import { createCountAccess, type EndpointAccess } from './capture/count-access.ts'
import { KnownKeys } from './capture/known-keys.ts'
import { createMiddleware } from './capture/middleware.ts'
import { createReadKey } from './capture/read-key.ts'
import type { ApiKey } from './capture/set-api-key.ts'
import { MEMORY_DATABASE } from './options/database-location.ts'
import { targetOf } from './options/database-target.ts'
import { createDisabledAnalytics } from './disabled-analytics.ts'
import type { AnalyticsError } from './model/errors.ts'
import { resolveOptions, type AnalyticsOptions } from './options/options.ts'
import { requireNode } from './options/require-node.ts'
import { describeDatabaseUrl } from './store/database/parse-database-url.ts'
import type { Usage } from './model/usage.ts'

/** A clock that was set, or went on while the machine slept, is noticed so much later; read so rarely, it costs nothing. */
const CLOCK_STEADY_MS = 5

// looks `Date` up each time, because tests replace it
const systemClock = () => Date.now()

/** What `analytics.stats()` tells. Counts are requests since this process started. */
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
   * @throws OPTION_INVALID when the key or the operation cannot be counted
   */
  addEndpointAccess(key: ApiKey, operation: EndpointAccess | string): void
}

/**
 * Makes the Koa middleware that counts who calls what. Put it first: `app.use(apiKeyAnalytics())`.
 * @throws OPTION_INVALID for a wrong option, NODE_TOO_OLD; after that nothing of it throws into a request
 */
export function apiKeyAnalytics(given: AnalyticsOptions = {}): ApiKeyAnalytics {
  return startAnalytics(given, systemClock)
}

/** `apiKeyAnalytics` by another clock (epoch milliseconds): the demo plays a week in seconds. */
export function startAnalytics(given: AnalyticsOptions, now: () => number): ApiKeyAnalytics {
  requireNode()
  const options = resolveOptions(given)
  if (!options.enabled) return createDisabledAnalytics(options)
  const { dataDir, bucketMinutes, mapCounters, maxKeys, maxEndpointsPerKey, flushIntervalMs } = options
  const report = options.onError
  const knownKeys = new KnownKeys(maxKeys)
  const { store, openUsage } = createAnalyticsDatabase(options.database, pepperCheck(options.pepper))
  const inMemory = options.database === MEMORY_DATABASE
  const folder = inMemory
    ? undefined
    : new ProcessFolder({
        dataDir,
        bucketMinutes,
        target: targetOf(describeDatabaseUrl(options.database), dataDir),
        mapped: mapCounters,
        report,
      })
  const buffer = new CounterBuffer({
    files: folder ?? new MemoryFiles(bucketMinutes),
    bucketMinutes,
    maxKeys,
    maxEndpointsPerKey,
    now,
    // a clock of somebody else's may jump at any time, as that of the demo or of a test does
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
    removeAtExit(folder, () => stats().pending === 0)
    flusher.start()
  }
  return Object.assign(createMiddleware({ options, counter: buffer, knownKeys, report }), {
    flush: () => flusher.flush(),
    close: () => flusher.close(),
    async usage() {
      await flusher.flush()
      return openUsage()
    },
    stats,
    addEndpointAccess: createCountAccess({ readKey, counter: buffer, knownKeys, options }),
  })
}
