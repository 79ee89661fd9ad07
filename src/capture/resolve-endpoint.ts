import type { Context } from 'koa'
import { AnalyticsError } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { UNMATCHED_ENDPOINT } from '../usage.ts'
import { cleanText } from './clean-text.ts'
import { findRoute } from './find-route.ts'
import { RecentMap } from './recent-map.ts'
import { readRawPath, sanitisePath, shortenEndpoint } from './sanitise-path.ts'

const PATTERNS_REMEMBERED = 1000

/** Finds the endpoint of a request after the handlers have finished. */
export type ResolveEndpoint = (ctx: Context) => string

/**
 * Makes a `ResolveEndpoint` for the option `endpoint`. It never throws: when the app's function fails or gives no
 * text, that is reported and the request is `(unmatched)`.
 */
export function createResolveEndpoint(
  options: Pick<ResolvedOptions, 'endpoint' | 'maxEndpointLength'>,
  report: (error: AnalyticsError) => void,
): ResolveEndpoint {
  const { endpoint, maxEndpointLength } = options
  if (endpoint === 'path') return (ctx) => sanitisePath(readRawPath(ctx.originalUrl), maxEndpointLength)

  const clean = (found: string | undefined) =>
    shortenEndpoint(cleanText(found ?? '') || UNMATCHED_ENDPOINT, maxEndpointLength)
  const find =
    endpoint === 'route' ? rememberCleaned(clean) : (ctx: Context) => clean(requireText(endpoint(ctx)))
  return (ctx) => {
    try {
      return find(ctx)
    } catch (cause) {
      report(
        new AnalyticsError(
          'ENDPOINT_FAILED',
          'Finding the endpoint of a request failed; the request was counted under (unmatched). See the cause; check the option "endpoint".',
          { cause },
        ),
      )
      return UNMATCHED_ENDPOINT
    }
  }
}

/** An app has few patterns and cleans them over and over. */
function rememberCleaned(clean: (pattern: string | undefined) => string): (ctx: Context) => string {
  const cleaned = new RecentMap<string>(PATTERNS_REMEMBERED)
  return (ctx) => {
    const pattern = findRoute(ctx) ?? ''
    const known = cleaned.get(pattern)
    if (known !== undefined) return known
    const endpoint = clean(pattern)
    cleaned.set(pattern, endpoint)
    return endpoint
  }
}

function requireText(endpoint: unknown): string | undefined {
  if (endpoint === undefined || endpoint === null || typeof endpoint === 'string')
    return endpoint ?? undefined
  // A promise cannot be waited for here; its failure must not become an unhandled rejection of the app.
  if (endpoint instanceof Promise) endpoint.catch(() => {})
  throw new TypeError(`The option "endpoint" returned ${typeof endpoint}, expected a string`)
}
