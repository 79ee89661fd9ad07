import { METHODS } from 'node:http'
import type { Context } from 'koa'
import { AnalyticsError } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { toCountedOperation } from '../request-counter.ts'
import type { CountedOperation } from '../request-counter.ts'
import { OTHER_METHOD, UNMATCHED_ENDPOINT } from '../usage.ts'
import { cleanText, copyText } from './clean-text.ts'
import { findRoute, isMounted } from './find-route.ts'
import { RecentMap } from './recent-map.ts'
import { readRawPath, sanitisePath, shortenEndpoint } from './sanitise-path.ts'

/** More of them at a time are made anew each time, which takes twice as long. */
const ENDPOINTS_REMEMBERED = 5000
const KNOWN_METHODS = new Set(METHODS)

/** Finds the operation of a request after the handlers have finished; the same object as long as it is remembered. */
export type ResolveOperation = (ctx: Context) => CountedOperation

/** An operation that leads to the next one of the same endpoint: most have no other. */
interface EndpointOperation extends CountedOperation {
  next: EndpointOperation | undefined
}

/**
 * Makes a `ResolveOperation` for the option `endpoint`. It never throws: when the app's function fails or gives no
 * text, that is reported and the request is `(unmatched)`.
 */
export function createResolveOperation(
  options: Pick<ResolvedOptions, 'endpoint' | 'maxEndpointLength'>,
  report: (error: AnalyticsError) => void,
): ResolveOperation {
  const { find, clean } = createFindEndpoint(options)
  /** The first operation of each endpoint, by what stands for the endpoint. */
  const remembered = new RecentMap<EndpointOperation>(ENDPOINTS_REMEMBERED)
  const unmatched = toEndpointOperation('GET', UNMATCHED_ENDPOINT)

  function remember(found: string, method: string, ctx: Context): EndpointOperation {
    // the pattern of a route is nobody's part, and found the faster for being itself
    const kept = options.endpoint === 'route' && !isMounted(ctx) ? found : copyText(found)
    const operation = toEndpointOperation(nameMethod(method), clean(kept))
    remembered.set(kept, operation)
    return operation
  }

  function giveUp(cause: unknown): EndpointOperation {
    report(
      new AnalyticsError(
        'ENDPOINT_FAILED',
        'Finding the endpoint of a request failed; the request was counted under (unmatched). See the cause; check the option "endpoint".',
        { cause },
      ),
    )
    return unmatched
  }

  function findFirst(ctx: Context, method: string): EndpointOperation {
    try {
      const found = find(ctx, method)
      return remembered.get(found) ?? remember(found, method, ctx)
    } catch (cause) {
      return giveUp(cause)
    }
  }

  return (ctx) => {
    // what `ctx.method` tells, without the two getters on the way
    const { method = '' } = ctx.req
    const first = findFirst(ctx, method)
    return first.method === method ? first : findByMethod(first, nameMethod(method))
  }
}

interface FindEndpoint {
  /** A text that stands for the endpoint. */
  readonly find: (ctx: Context, method: string) => string
  /** What is done to that text once, to make it the endpoint. */
  readonly clean: (found: string) => string
}

function createFindEndpoint({
  endpoint,
  maxEndpointLength,
}: Pick<ResolvedOptions, 'endpoint' | 'maxEndpointLength'>): FindEndpoint {
  const clean = (found: string) => shortenEndpoint(cleanText(found) || UNMATCHED_ENDPOINT, maxEndpointLength)
  if (endpoint === 'route') return { find: (ctx, method) => findRoute(ctx, method) ?? '', clean }
  // what clients or the app may make long is cleaned first, and only then remembered
  const find =
    endpoint === 'path'
      ? (ctx: Context) => sanitisePath(readRawPath(ctx.originalUrl), maxEndpointLength)
      : (ctx: Context) => clean(requireText(endpoint(ctx)))
  return { find, clean: (found) => found }
}

function toEndpointOperation(method: string, endpoint: string): EndpointOperation {
  return { ...toCountedOperation(method, endpoint), next: undefined }
}

const nameMethod = (method: string): string => (KNOWN_METHODS.has(method) ? method : OTHER_METHOD)

/** The operation of the same endpoint with this method. */
function findByMethod(first: EndpointOperation, method: string): CountedOperation {
  let operation = first
  while (operation.method !== method) {
    operation = operation.next ??= toEndpointOperation(method, first.endpoint)
  }
  return operation
}

function requireText(endpoint: unknown): string {
  if (endpoint === undefined || endpoint === null) return ''
  if (typeof endpoint === 'string') return endpoint
  // A promise cannot be waited for here; its failure must not become an unhandled rejection of the app.
  if (endpoint instanceof Promise) endpoint.catch(() => {})
  throw new TypeError(`The option "endpoint" returned ${typeof endpoint}, expected a string`)
}
