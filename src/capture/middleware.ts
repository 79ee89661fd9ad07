import { performance } from 'node:perf_hooks'
import type { Context, Middleware } from 'koa'
import { AnalyticsError } from '../model/errors.ts'
import type { ResolvedOptions } from '../options/options.ts'
import { UNMATCHED_ENDPOINT } from '../model/operation.ts'
import type {
  CountedKey,
  CountedOperation,
  RequestQuantities,
  RequestCounter,
} from '../model/request-counter.ts'
import { RATE_LIMIT_HEADERS } from '../web/rate-limit-headers.ts'
import { DEPRECATION_HEADERS } from '../web/deprecation-headers.ts'
import type { FindVouched, IdentifyKey } from './key/identify-key.ts'
import { isIgnoredPath } from './is-ignored-path.ts'
import { keepHeaders } from './keep-headers.ts'
import type { KnownKeys } from './key/known-keys.ts'
import { COUNTED_OTHER, COUNTED_REJECTED } from './key/read-key.ts'
import { observeRouters } from './endpoint/observe-routers.ts'
import { meetsRouter } from './endpoint/other-routers.ts'
import { markRequest, readMark, type RequestMark, type SelfService } from './request-mark.ts'
import { createResolveOperation } from './endpoint/resolve-operation.ts'
import { isResponseOver, resolveEndStatus, resolveStatus, resolveThrownStatus } from './resolve-status.ts'
import { readRawPath } from './endpoint/sanitise-path.ts'
import { UsageReader } from './usage/usage-reader.ts'

/** What the middleware needs. */
export interface CaptureParts {
  readonly options: ResolvedOptions
  readonly counter: RequestCounter
  readonly knownKeys: KnownKeys
  readonly identifyKey: IdentifyKey
  readonly findVouched: FindVouched
  /** Sets the headers of the option `rateLimitHeaders`. */
  readonly tellQuotas?: ((ctx: Context, key: CountedKey) => void) | undefined
  /** Sets the headers of the option `deprecationHeaders`. */
  readonly tellDeprecation?: ((ctx: Context, operation: CountedOperation) => void) | undefined
  /** Receives errors; must not throw. */
  readonly report: (error: AnalyticsError) => void
  /** What `apiKeyUsage` answers from; left out where nothing is stored. */
  readonly usageOfCustomers?: Omit<SelfService, 'findVouched'>
}

/**
 * Makes the middleware. It counts each request with a key once, after the handlers have finished or thrown and
 * before Koa sends. It never throws into a request and never delays one, except for an `identify` that returns a promise:
 * five seconds at most.
 */
export function createMiddleware(parts: CaptureParts): Middleware {
  const { options, counter, knownKeys, identifyKey, findVouched } = parts
  const { tellQuotas, tellDeprecation, report, usageOfCustomers } = parts
  const selfService: SelfService | undefined = usageOfCustomers && {
    ...usageOfCustomers,
    findVouched: (ctx) => findVouched(ctx, readMark(ctx.req)?.readApiKey?.()),
  }
  const resolveOperation = createResolveOperation(options, report)
  const usageReader = new UsageReader({ units: options.units, counter, report })
  const hasUnits = options.units.length > 0
  const ignores = options.ignore.length > 0
  const headers = [...(tellQuotas ? RATE_LIMIT_HEADERS : []), ...(tellDeprecation ? DEPRECATION_HEADERS : [])]
  let hasRouter = options.routes.length > 0
  let hasWarned = options.endpoint !== 'route'

  /** @returns the mark of a request that is to be counted here */
  function claimRequest(ctx: Context): RequestMark | undefined {
    try {
      const mark = markRequest(ctx.req)
      if (mark.seen) return undefined
      mark.seen = true
      mark.selfService = selfService
      observeRouters(ctx)
      return ignores && isIgnoredPath(readRawPath(ctx.originalUrl), options.ignore) ? undefined : mark
    } catch (cause) {
      reportBug(cause)
      return undefined
    }
  }

  /** Never throws. @returns a promise only when the app's `identify` returned one */
  function count(
    ctx: Context,
    mark: RequestMark,
    startedAt: number,
    status: number,
  ): Promise<void> | undefined {
    try {
      const finishedAt = performance.now()
      const durationUs = Math.max(0, Math.round((finishedAt - startedAt) * 1000))
      const key = identifyKey(ctx, mark.readApiKey?.())
      if (key instanceof Promise) return recordLater(ctx, mark, key, status, durationUs)
      if (key) record(ctx, mark, key, status, durationUs, finishedAt)
      else if (tellDeprecation) tellClient(ctx, undefined, resolveOperation(ctx, mark, status))
    } catch (cause) {
      reportBug(cause)
    }
    return undefined
  }

  /** Separate from `count`: an async function allocates its state on every call. */
  async function recordLater(
    ctx: Context,
    mark: RequestMark,
    identifying: Promise<CountedKey | undefined>,
    status: number,
    durationUs: number,
  ): Promise<void> {
    try {
      const key = await identifying
      if (key) record(ctx, mark, key, status, durationUs)
      else if (tellDeprecation) tellClient(ctx, undefined, resolveOperation(ctx, mark, status))
    } catch (cause) {
      reportBug(cause)
    }
  }

  function countFinished(ctx: Context, mark: RequestMark, startedAt: number): Promise<void> | undefined {
    try {
      if (mark.uncounted) return undefined
      if (ctx.respond === false) return countAtEnd(ctx, mark, startedAt)
      return count(ctx, mark, startedAt, resolveStatus(ctx))
    } catch (cause) {
      return reportBug(cause)
    }
  }

  /** `ctx.respond = false`: the app answers by itself, now or later. */
  function countAtEnd(ctx: Context, mark: RequestMark, startedAt: number): Promise<void> | undefined {
    const countEnd = () => count(ctx, mark, startedAt, resolveEndStatus(ctx))
    if (isResponseOver(ctx)) return countEnd()
    ctx.res.once('close', () => void countEnd())
    return undefined
  }

  function countThrown(ctx: Context, mark: RequestMark, startedAt: number, thrown: unknown) {
    try {
      if (mark.uncounted) return undefined
      mark.hasThrown = true
      return count(ctx, mark, startedAt, resolveThrownStatus(ctx, thrown))
    } catch (cause) {
      return reportBug(cause)
    }
  }

  function record(
    ctx: Context,
    mark: RequestMark,
    key: CountedKey,
    status: number,
    durationUs: number,
    finishedAt?: number,
  ): void {
    const operation = resolveOperation(ctx, mark, status)
    // without a known router, no route ever shows that a key was let in
    hasRouter ||= meetsRouter(ctx)
    const isUnmatched = operation.endpoint === UNMATCHED_ENDPOINT
    if (isUnmatched && !hasRouter && !hasWarned && status < 400) warnOfRouter()
    const counted = key.isKnown ? key : checkKey(key, operation.method, status, !isUnmatched || !hasRouter)
    const quantities = hasUnits || mark.usage ? readUsage(ctx, mark, counted, operation, status) : undefined
    counter.count(counted, operation, status, durationUs, finishedAt, quantities)
    if (headers.length > 0) tellClient(ctx, counted, operation)
  }

  /** Never throws: the request was counted before, or has no key. */
  function tellClient(ctx: Context, key: CountedKey | undefined, operation: CountedOperation): void {
    try {
      if (key) tellQuotas?.(ctx, key)
      tellDeprecation?.(ctx, operation)
    } catch (cause) {
      const message = 'Setting headers of a response failed; its count is not affected. See the cause.'
      report(new AnalyticsError('INTERNAL', message, { cause }))
    }
  }

  /** Wrong usage must not cost the request its count. */
  function readUsage(
    ctx: Context,
    mark: RequestMark,
    key: CountedKey,
    operation: CountedOperation,
    status: number,
  ): RequestQuantities | undefined {
    try {
      return usageReader.read(ctx, mark, { key, operation, status })
    } catch (cause) {
      return reportBug(cause)
    }
  }

  function passHeaders(ctx: Context): void {
    try {
      keepHeaders(ctx, headers)
    } catch {
      // a WebSocket has no response, and an unusual context may refuse changes: then its answer has no such headers
    }
  }

  function warnOfRouter(): void {
    hasWarned = true
    report(
      new AnalyticsError(
        'ROUTER_UNKNOWN',
        "Requests were answered without a router that this package knows, so they count as (unmatched). Call setEndpoint(ctx, '/pattern') where they are handled, or set the option \"endpoint\" to 'path' or to a function.",
      ),
    )
  }

  /** A key that the app did not name, accept or store may be a guess. All guesses count under two reserved keys. */
  function checkKey(key: CountedKey, method: string, status: number, isRouted: boolean): CountedKey {
    // A preflight is answered before the key is checked.
    const letIn = status < 400 && isRouted && method !== 'OPTIONS'
    if (letIn) knownKeys.learn(key)
    else if (!knownKeys.has(key)) return status === 401 || status === 403 ? COUNTED_REJECTED : COUNTED_OTHER
    return key
  }

  function reportBug(cause: unknown): undefined {
    report(
      new AnalyticsError(
        'INTERNAL',
        'Counting a request failed; it is missing from the counts. See the cause.',
        {
          cause,
        },
      ),
    )
  }

  return async function apiKeyAnalytics(ctx, next) {
    const mark = claimRequest(ctx)
    if (!mark) return next()
    const startedAt = performance.now()
    let result: unknown
    try {
      result = await next()
    } catch (thrown) {
      const counting = countThrown(ctx, mark, startedAt, thrown)
      if (counting) await counting
      if (headers.length > 0) passHeaders(ctx)
      throw thrown
    }
    const counting = countFinished(ctx, mark, startedAt)
    // an await costs a turn of the microtask queue even when there is nothing to wait for
    if (counting) await counting
    return result
  }
}
