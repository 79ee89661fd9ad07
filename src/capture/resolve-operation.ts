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

/** More of them at a time are made anew each time, which takes twice as long. */
const ENDPOINTS_REMEMBERED = 5000
const KNOWN_METHODS = new Set(METHODS)

/** Finds the operation of a request after the handlers have finished; the same object as long as it is remembered. */
export type ResolveOperation = (ctx: Context) => CountedOperation

/** An endpoint and its operations so far, one for each method: mostly one. */
interface Endpoint {
  readonly name: string
  readonly operations: CountedOperation[]
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
  const remembered = new RecentMap<Endpoint>(ENDPOINTS_REMEMBERED)
  const unmatched: Endpoint = { name: UNMATCHED_ENDPOINT, operations: [] }

  function remember(found: string): Endpoint {
    // part of a request's target would keep all of it, so a copy
    const copy = Buffer.from(found).toString()
    const endpoint = { name: clean(copy), operations: [] }
    remembered.set(copy, endpoint)
    return endpoint
  }

  return (ctx) => {
    // what `ctx.method` tells, without the two getters on the way
    const { method = '' } = ctx.req
    let endpoint = unmatched
    try {
      const found = find(ctx, method)
      endpoint = remembered.get(found) ?? remember(found)
    } catch (cause) {
      report(
        new AnalyticsError(
          'ENDPOINT_FAILED',
          'Finding the endpoint of a request failed; the request was counted under (unmatched). See the cause; check the option "endpoint".',
          { cause },
        ),
      )
    }
    return (
      findOperation(endpoint, method) ??
      addOperation(endpoint, KNOWN_METHODS.has(method) ? method : OTHER_METHOD)
    )
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

function findOperation({ operations }: Endpoint, method: string): CountedOperation | undefined {
  for (const operation of operations) if (operation.method === method) return operation
  return undefined
}

function addOperation(endpoint: Endpoint, method: string): CountedOperation {
  const known = findOperation(endpoint, method)
  if (known) return known
  const operation = toCountedOperation(method, endpoint.name)
  endpoint.operations.push(operation)
  return operation
}

function requireText(endpoint: unknown): string {
  if (endpoint === undefined || endpoint === null) return ''
  if (typeof endpoint === 'string') return endpoint
  // A promise cannot be waited for here; its failure must not become an unhandled rejection of the app.
  if (endpoint instanceof Promise) endpoint.catch(() => {})
  throw new TypeError(`The option "endpoint" returned ${typeof endpoint}, expected a string`)
}
