import type { Context } from 'koa'
import { AnalyticsError } from '../../model/errors.ts'
import type { ResolvedOptions } from '../../options/options.ts'
import { toCountedOperation } from '../../model/request-counter.ts'
import type { CountedOperation } from '../../model/request-counter.ts'
import { UNMATCHED_ENDPOINT } from '../../model/operation.ts'
import { copyText } from '../../model/clean-text.ts'
import { createExpectRoute } from './expect-route.ts'
import { findRoute, isMounted, readNearPattern, readPattern } from './find-route.ts'
import { nameEndpoint } from './name-endpoint.ts'
import { nameMethod } from './name-method.ts'
import { readMountPattern, readOtherPattern } from './other-routers.ts'
import { RecentMap } from '../../model/recent-map.ts'
import type { RequestMark } from '../request-mark.ts'
import type { Layer } from './router.ts'
import { readRawPath, sanitisePath } from './sanitise-path.ts'

/** Beyond this number, operations are made again for each request, which takes twice as long. */
const ENDPOINTS_REMEMBERED = 5000

/**
 * Finds the operation of a request after the handlers have finished; the same object as long as it is remembered.
 */
export type ResolveOperation = (ctx: Context, mark: RequestMark, status: number) => CountedOperation

/** An operation that leads to the next one of the same endpoint: most have no other. */
interface EndpointOperation extends CountedOperation {
  next: EndpointOperation | undefined
}

/** Finds the first operation of a request's endpoint; `method` is that of the request. */
type FindFirst = (ctx: Context, method: string, mark: RequestMark, status: number) => EndpointOperation

type Options = Pick<ResolvedOptions, 'endpoint' | 'maxEndpointLength' | 'routes'>

/**
 * Makes a `ResolveOperation` for the option `endpoint`; a value given to `setEndpoint` comes first. It never throws:
 * when the app's function fails or returns no text, that is reported and the request is `(unmatched)`.
 */
export function createResolveOperation(
  options: Options,
  report: (error: AnalyticsError) => void,
): ResolveOperation {
  const findFirst = createFindFirst(options)
  const unmatched = toEndpointOperation('GET', UNMATCHED_ENDPOINT)

  function giveUp(cause: unknown): EndpointOperation {
    report(
      new AnalyticsError(
        'ENDPOINT_FAILED',
        'Finding the endpoint of a request failed; the request was counted under (unmatched). See the cause; check the option "endpoint" and what setEndpoint is given.',
        { cause },
      ),
    )
    return unmatched
  }

  const findSafely: FindFirst = (ctx, method, mark, status) => {
    try {
      return findFirst(ctx, method, mark, status)
    } catch (cause) {
      return giveUp(cause)
    }
  }

  return (ctx, mark, status) => {
    // the same as `ctx.method`, without its two getters
    const { method = '' } = ctx.req
    const first = findSafely(ctx, method, mark, status)
    return first.method === method ? first : findByMethod(first, nameMethod(method))
  }
}

function createFindFirst({ endpoint, maxEndpointLength, routes }: Options): FindFirst {
  const remembered = new RecentMap<EndpointOperation>(ENDPOINTS_REMEMBERED)
  const clean = (found: string) => nameEndpoint(found, maxEndpointLength)

  function findByText(text: string, method: string): EndpointOperation {
    return remembered.get(text) ?? rememberText(text, method)
  }

  function rememberText(text: string, method: string): EndpointOperation {
    const kept = copyText(text)
    const operation = toEndpointOperation(nameMethod(method), clean(kept))
    remembered.set(kept, operation)
    return operation
  }

  // texts from clients or the app, which may be long, are cleaned first and only then remembered
  const findByGiven = (given: unknown, method: string) =>
    findByText(clean(requireEndpointText(given)), method)

  function createFindByOption(): FindFirst {
    if (endpoint === 'route') return createFindByRoute(findByText, clean, routes)
    if (endpoint === 'path') {
      return (ctx, method) =>
        findByText(sanitisePath(readRawPath(ctx.originalUrl), maxEndpointLength), method)
    }
    return (ctx, method) => findByGiven(endpoint(ctx), method)
  }

  const findByOption = createFindByOption()
  return (ctx, method, mark, status) =>
    mark.endpoint === undefined || mark.endpoint === null
      ? findByOption(ctx, method, mark, status)
      : findByGiven(mark.endpoint, method)
}

/** An operation that was found by its route alone. */
interface RouteOperation extends EndpointOperation {
  readonly path: Layer['path']
}

/** By the route itself, which is fastest; by its pattern where koa-mount has added a prefix. */
function createFindByRoute(
  findByText: (text: string, method: string) => EndpointOperation,
  clean: (pattern: string) => string,
  routes: ResolvedOptions['routes'],
): FindFirst {
  const operations = new WeakMap<Layer, RouteOperation>()
  const expectRoute = createExpectRoute(routes)

  function findByLayer(ctx: Context, method: string, mark: RequestMark, route: Layer): EndpointOperation {
    if (isMounted(ctx)) return findByText(readPattern(ctx, mark, route), method)
    const known = operations.get(route)
    // a router that gets a prefix later changes its routes
    if (known?.path === route.path) return known
    const endpoint = clean(readPattern(ctx, mark, route))
    const operation = { ...toEndpointOperation(nameMethod(method), endpoint), path: route.path }
    operations.set(route, operation)
    return operation
  }

  /** Where no route has run: the pattern that another router left, then the expected route, then the nearest match. */
  function findPattern(ctx: Context, method: string, mark: RequestMark, status: number): string {
    const pattern = readOtherPattern(ctx, mark) ?? expectRoute.serving(ctx, method)
    if (pattern !== undefined) return pattern
    const near = readNearPattern(ctx, mark) ?? expectRoute.otherMethod(ctx)
    if (near !== undefined) return near
    const mounted = status === 404 ? undefined : readMountPattern(ctx)
    return mounted ?? ''
  }

  return (ctx, method, mark, status) => {
    const route = findRoute(ctx, mark, method)
    return route
      ? findByLayer(ctx, method, mark, route)
      : findByText(findPattern(ctx, method, mark, status), method)
  }
}

function toEndpointOperation(method: string, endpoint: string): EndpointOperation {
  return { ...toCountedOperation(method, endpoint), next: undefined }
}

/** The operation of the same endpoint with this method. */
function findByMethod(first: EndpointOperation, method: string): CountedOperation {
  let operation = first
  while (operation.method !== method) {
    operation = operation.next ??= toEndpointOperation(method, first.endpoint)
  }
  return operation
}

function requireEndpointText(endpoint: unknown): string {
  if (endpoint === undefined || endpoint === null) return ''
  if (typeof endpoint === 'string') return endpoint
  // A promise cannot be waited for here; its failure must not become an unhandled rejection of the app.
  if (endpoint instanceof Promise) endpoint.catch(() => {})
  throw new TypeError(`The option "endpoint" returned ${typeof endpoint}, expected a string`)
}
