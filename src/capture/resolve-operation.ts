import { METHODS } from 'node:http'
import type { Context } from 'koa'
import { AnalyticsError } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { OTHER_METHOD, toCountedOperation, UNMATCHED_ENDPOINT } from '../usage.ts'
import type { CountedOperation } from '../usage.ts'
import { cleanText } from './clean-text.ts'
import { findRoute } from './find-route.ts'
import { RecentMap } from './recent-map.ts'
import { readRawPath, sanitisePath, shortenEndpoint } from './sanitise-path.ts'

const ENDPOINTS_REMEMBERED = 1000
const KNOWN_METHODS = new Set(METHODS)

/** Finds the operation of a request after the handlers have finished; the same object as long as it is remembered. */
export type ResolveOperation = (ctx: Context) => CountedOperation

/** The operations of one endpoint, by method. */
type OperationsOfEndpoint = (method: string) => CountedOperation

/**
 * Makes a `ResolveOperation` for the option `endpoint`. It never throws: when the app's function fails or gives no
 * text, that is reported and the request is `(unmatched)`.
 */
export function createResolveOperation(
  options: Pick<ResolvedOptions, 'endpoint' | 'maxEndpointLength'>,
  report: (error: AnalyticsError) => void,
): ResolveOperation {
  const { find, clean } = createFindEndpoint(options)
  const remembered = new RecentMap<OperationsOfEndpoint>(ENDPOINTS_REMEMBERED)
  const unmatched = createOperations(UNMATCHED_ENDPOINT)

  function remember(found: string): OperationsOfEndpoint {
    const operations = createOperations(clean(found))
    remembered.set(found, operations)
    return operations
  }

  return (ctx) => {
    // what `ctx.method` tells, without the two getters on the way
    const { method = '' } = ctx.req
    let operations = unmatched
    try {
      const found = find(ctx, method)
      operations = remembered.get(found) ?? remember(found)
    } catch (cause) {
      report(
        new AnalyticsError(
          'ENDPOINT_FAILED',
          'Finding the endpoint of a request failed; the request was counted under (unmatched). See the cause; check the option "endpoint".',
          { cause },
        ),
      )
    }
    return operations(method)
  }
}

interface FindEndpoint {
  /** A text that stands for the endpoint, short enough to be remembered. */
  readonly find: (ctx: Context, method: string) => string
  /** What is done to that text once, to make it the endpoint. */
  readonly clean: (found: string) => string
}

function createFindEndpoint({
  endpoint,
  maxEndpointLength,
}: Pick<ResolvedOptions, 'endpoint' | 'maxEndpointLength'>): FindEndpoint {
  const asItIs = (found: string) => found
  const clean = (found: string) => shortenEndpoint(cleanText(found) || UNMATCHED_ENDPOINT, maxEndpointLength)
  if (endpoint === 'path')
    return { find: (ctx) => sanitisePath(readRawPath(ctx.originalUrl), maxEndpointLength), clean: asItIs }
  // an app has few patterns, and would clean them over and over
  if (endpoint === 'route') return { find: (ctx, method) => findRoute(ctx, method) ?? '', clean }
  return { find: (ctx) => clean(requireText(endpoint(ctx))), clean: asItIs }
}

function createOperations(endpoint: string): OperationsOfEndpoint {
  const byMethod = new Map<string, CountedOperation>()
  const add = (method: string): CountedOperation => {
    const operation = byMethod.get(method) ?? toCountedOperation(method, endpoint)
    byMethod.set(method, operation)
    return operation
  }
  return (method) => byMethod.get(method) ?? add(KNOWN_METHODS.has(method) ? method : OTHER_METHOD)
}

function requireText(endpoint: unknown): string {
  if (endpoint === undefined || endpoint === null) return ''
  if (typeof endpoint === 'string') return endpoint
  // A promise cannot be waited for here; its failure must not become an unhandled rejection of the app.
  if (endpoint instanceof Promise) endpoint.catch(() => {})
  throw new TypeError(`The option "endpoint" returned ${typeof endpoint}, expected a string`)
}
