import type { Middleware } from 'koa'
import { CounterBuffer } from './buffer/counter-buffer.ts'
import type { CounterMode } from './buffer/counter-memory.ts'
import { Flusher } from './buffer/flusher.ts'
import { removeAtExit } from './buffer/remove-at-exit.ts'
import { ProcessFolder } from './buffer/process-folder.ts'
import { pepperCheck } from './capture/compute-key-id.ts'
import { createCountAccess, type EndpointAccess } from './capture/count-access.ts'
import { KnownKeys } from './capture/known-keys.ts'
import { createMiddleware } from './capture/middleware.ts'
import { createReadKey } from './capture/read-key.ts'
import type { ApiKey } from './capture/set-api-key.ts'
import type { AnalyticsError } from './errors.ts'
import { resolveOptions, type AnalyticsOptions } from './options.ts'
import { requireNode } from './require-node.ts'
import type { UsageStore } from './usage.ts'

/** A clock that was set, or went on while the machine slept, is noticed so much later; read so rarely, it costs nothing. */
const CLOCK_STEADY_MS = 5

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
  /** `mapped` and `written` survive a kill of the process, `memory` does not. */
  readonly mode: CounterMode
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
  return startAnalytics(given, Date.now)
}

/** `apiKeyAnalytics` by another clock (epoch milliseconds): the demo plays a week in seconds. */
export function startAnalytics(given: AnalyticsOptions, now: () => number): ApiKeyAnalytics {
  requireNode()
  const options = resolveOptions(given)
  const { dataDir, bucketMinutes, mapCounters, maxKeys, maxEndpointsPerKey, flushIntervalMs } = options
  const report = options.onError
  const knownKeys = new KnownKeys(maxKeys)
  const store = openLazily(async () => {
    const { openStore } = await import('./store/open-store.ts')
    return openStore({ url: options.database, pepperCheck: pepperCheck(options.pepper) })
  })
  const folder = new ProcessFolder({ dataDir, bucketMinutes, mapped: mapCounters, report })
  const buffer = new CounterBuffer({
    files: folder,
    bucketMinutes,
    maxKeys,
    maxEndpointsPerKey,
    now,
    // a clock of somebody else's may jump at any time, as that of the demo does
    steadyMs: now === Date.now ? CLOCK_STEADY_MS : 0,
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

  removeAtExit(folder, () => stats().pending === 0)
  flusher.start()
  return Object.assign(createMiddleware({ options, counter: buffer, knownKeys, report }), {
    flush: () => flusher.flush(),
    close: () => flusher.close(),
    stats,
    addEndpointAccess: createCountAccess({ readKey, counter: buffer, knownKeys, options }),
  })
}

/** Opens the store when it is first used: its imports take most of a second. */
function openLazily(open: () => Promise<UsageStore>): UsageStore {
  let opened: Promise<UsageStore> | undefined
  const use = () => (opened ??= open())
  return {
    connect: async () => (await use()).connect(),
    recordBatch: async (batch) => (await use()).recordBatch(batch),
    findKnownKeys: async (limit) => (await use()).findKnownKeys(limit),
    close: async () => (await opened)?.close(),
  }
}
