import { performance } from 'node:perf_hooks'
import type { Context, Middleware } from 'koa'
import { AnalyticsError } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { UNMATCHED_ENDPOINT } from '../usage.ts'
import type { RequestCounter } from '../usage.ts'
import { createIdentifyKey } from './identify-key.ts'
import type { IdentifiedKey } from './identify-key.ts'
import { isIgnoredPath } from './is-ignored-path.ts'
import type { KnownKeys } from './known-keys.ts'
import { createReadKey, OTHER_CALLER, REJECTED_CALLER } from './read-key.ts'
import type { Caller } from './read-key.ts'
import { markRequest } from './request-mark.ts'
import { createResolveOperation } from './resolve-operation.ts'
import { resolveStatus, resolveThrownStatus } from './resolve-status.ts'
import { readRawPath } from './sanitise-path.ts'

/** What the middleware works with. */
export interface CaptureParts {
  readonly options: ResolvedOptions
  readonly counter: RequestCounter
  readonly knownKeys: KnownKeys
  /** Takes what went wrong; must not throw. */
  readonly report: (error: AnalyticsError) => void
}

/**
 * Makes the middleware. It counts each request with a key once, after the handlers have finished or thrown and
 * before Koa sends. Nothing of ours throws into a request, and only an `identify` that returns a promise is waited for.
 */
export function createMiddleware({ options, counter, knownKeys, report }: CaptureParts): Middleware {
  const identifyKey = createIdentifyKey(options, createReadKey(options, report), report)
  const resolveOperation = createResolveOperation(options, report)

  function isOurs(ctx: Context): boolean {
    try {
      const mark = markRequest(ctx.req)
      if (mark.seen) return false
      mark.seen = true
      return options.ignore.length === 0 || !isIgnoredPath(readRawPath(ctx.originalUrl), options.ignore)
    } catch (cause) {
      reportBug(cause)
      return false
    }
  }

  /** Never throws. @returns a promise only when the app's `identify` returned one */
  function count(
    ctx: Context,
    startedAt: number,
    thrown: unknown,
    failed: boolean,
  ): Promise<void> | undefined {
    try {
      const { uncounted, readApiKey } = markRequest(ctx.req)
      if (uncounted) return undefined
      const finishedAt = performance.now()
      const durationUs = Math.max(0, Math.round((finishedAt - startedAt) * 1000))
      const status = failed ? resolveThrownStatus(ctx, thrown) : resolveStatus(ctx)
      const identified = identifyKey(ctx, readApiKey?.())
      if (identified instanceof Promise) {
        return identified.then((found) => record(ctx, found, status, durationUs)).catch(reportBug)
      }
      record(ctx, identified, status, durationUs, finishedAt)
    } catch (cause) {
      reportBug(cause)
    }
    return undefined
  }

  function record(
    ctx: Context,
    identified: IdentifiedKey | undefined,
    status: number,
    durationUs: number,
    finishedAt?: number,
  ): void {
    if (!identified) return
    const operation = resolveOperation(ctx)
    // A preflight is answered before anybody looks at the key.
    const letIn = status < 400 && operation.endpoint !== UNMATCHED_ENDPOINT && operation.method !== 'OPTIONS'
    counter.count(chooseKey(identified, letIn, status), operation, status, durationUs, finishedAt)
  }

  /** A key that nobody vouched for, let in or stored may be a guess: guesses share two keys. */
  function chooseKey({ caller, vouched }: IdentifiedKey, letIn: boolean, status: number): Caller {
    if (vouched || letIn) knownKeys.learn(caller)
    else if (!knownKeys.has(caller)) return status === 401 || status === 403 ? REJECTED_CALLER : OTHER_CALLER
    return caller
  }

  function reportBug(cause: unknown): void {
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
    if (!isOurs(ctx)) return next()
    const startedAt = performance.now()
    let result: unknown
    try {
      result = await next()
    } catch (thrown) {
      const counting = count(ctx, startedAt, thrown, true)
      if (counting) await counting
      throw thrown
    }
    const counting = count(ctx, startedAt, undefined, false)
    // an await costs a turn of the microtask queue even where there is nothing to wait for
    if (counting) await counting
    return result
  }
}
