import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { AnalyticsError } from '../model/errors.ts'
import type { CustomerQuestion, CustomerAnswer } from '../model/customer-usage.ts'
import type { CountedKey } from '../model/request-counter.ts'
import type { RequestUsage } from './usage/request-usage.ts'
import type { Layer } from './endpoint/router.ts'

/** What `apiKeyUsage` needs of the middleware that counts the request. */
export interface SelfService {
  /** The key that the app vouches for; never one that came only from a header. */
  findVouched(ctx: Context): CountedKey | undefined | Promise<CountedKey | undefined>
  /** Reads the usage of one customer. @throws AnalyticsError */
  answer(question: CustomerQuestion): Promise<CustomerAnswer>
  /** Must not throw. */
  report(error: AnalyticsError): void
}

/** Notes on a request. */
export interface RequestMark {
  /** A middleware of this package counts it already: nested apps may mount several. */
  seen: boolean
  /** A request to the dashboard, which does not belong to the app. */
  uncounted: boolean
  /** Of the middleware that counts the request. */
  selfService: SelfService | undefined
  /** Returns the value given to `setApiKey`. A function, because a secret would show in the log of a request. */
  readApiKey: (() => unknown) | undefined
  /** The value given to `setEndpoint`, unchecked. */
  endpoint: unknown
  /** The quantities given to `setUsage` and `addUsage`; made on first use. */
  usage: RequestUsage | undefined
  /**
   * The layer of a router that began to run last. Next to each layer is the path that it saw: only in an app under
   * koa-mount, which cuts its prefix from the path while it runs.
   */
  layer: Layer | undefined
  layerPath: string | undefined
  /** The last such layer that is a route, and no middleware of `router.use()`. */
  route: Layer | undefined
  routePath: string | undefined
  /** The last route that changed the response and then passed on. */
  answered: Layer | undefined
  answeredPath: string | undefined
  /** The first route that matched the path, with any method. */
  near: Layer | undefined
  nearPath: string | undefined
  /** The path that the route of another router saw in such an app. */
  otherPath: string | undefined
  /** The response when `layer` began to run. A later difference was made by that layer, or by those after it. */
  body: unknown
  status: number | undefined
  /** The status is that of an error that a handler has thrown. */
  hasThrown: boolean
}

/**
 * On the request and under a global symbol: nested apps and a second copy of this package see it too. That copy may be
 * of another version, so fields may be added and never changed.
 */
const MARK = Symbol.for('apikey-analytics.request')

/** The mark of a request; made on first use. */
export function markRequest(request: IncomingMessage): RequestMark {
  return ((request as { [MARK]?: RequestMark })[MARK] ??= createMark())
}

/** The mark of a request that has one. */
export function readMark(request: IncomingMessage): RequestMark | undefined {
  return (request as { [MARK]?: RequestMark })[MARK]
}

/** A mark with nothing on it. */
export function createMark(): RequestMark {
  return {
    seen: false,
    uncounted: false,
    selfService: undefined,
    readApiKey: undefined,
    endpoint: undefined,
    usage: undefined,
    layer: undefined,
    layerPath: undefined,
    route: undefined,
    routePath: undefined,
    answered: undefined,
    answeredPath: undefined,
    near: undefined,
    nearPath: undefined,
    otherPath: undefined,
    body: undefined,
    status: undefined,
    hasThrown: false,
  }
}
