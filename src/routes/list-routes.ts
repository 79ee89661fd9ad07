import type { Operation } from '../model/operation.ts'
import { compareTexts } from '../model/compare-texts.ts'
import { EVERY_METHOD } from '../model/route.ts'
import type { ResolvedOptions } from '../options/options.ts'
import { joinPattern } from '../capture/endpoint/find-route.ts'
import { isIgnoredPath } from '../capture/is-ignored-path.ts'
import { nameEndpoint } from '../capture/endpoint/name-endpoint.ts'
import { nameMethod } from '../capture/endpoint/name-method.ts'
import type { Layer } from '../capture/endpoint/router.ts'

/** `router.all()` makes a route of about 35 methods; nobody lists so many by hand. */
const LEAST_OF_EVERY_METHOD = 16

type Options = Pick<ResolvedOptions, 'endpoint' | 'routes' | 'ignore' | 'maxEndpointLength'>

/**
 * The operations of the option `routes`, with the names that their requests are counted under, each once, in byte order
 * of endpoint and method. None where the app names its endpoints in another way. A GET route answers HEAD too.
 */
export function listRoutes({ endpoint, routes, ignore, maxEndpointLength }: Options): Operation[] {
  if (endpoint !== 'route') return []
  const found = new Map<string, Operation>()
  for (const { prefix, router } of routes) {
    for (const layer of router.stack) {
      const pattern = joinPattern(prefix, layer.path)
      if (isIgnoredPath(pattern, ignore)) continue
      for (const method of methodsOf(layer)) {
        const operation = { method, endpoint: nameEndpoint(pattern, maxEndpointLength) }
        found.set(`${operation.endpoint} ${method}`, operation)
      }
    }
  }
  return [...found.values()].sort(
    (a, b) => compareTexts(a.endpoint, b.endpoint) || compareTexts(a.method, b.method),
  )
}

/** How many layers there are: whether a router got routes since is worth a look when it has changed. */
export function countLayers({ routes }: Pick<ResolvedOptions, 'routes'>): number {
  return routes.reduce((sum, { router }) => sum + router.stack.length, 0)
}

function methodsOf({ methods }: Layer): string[] {
  if (methods.length >= LEAST_OF_EVERY_METHOD) return [EVERY_METHOD]
  return methods.filter((method) => method !== 'HEAD' || !methods.includes('GET')).map(nameMethod)
}
