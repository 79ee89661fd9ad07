import type { Operation } from './operation.ts'

/** Method of a route that answers every method, as `router.all()` makes it. */
export const EVERY_METHOD = '*'

/** Most routes that an app registers. */
export const MOST_ROUTES = 10_000

/** What an app registers: the operations of its routers. */
export interface RouteRegistration {
  /** In byte order of endpoint and method, each once. */
  readonly routes: readonly Operation[]
  /** The release that has them; null when unknown. */
  readonly release: string | null
  /** Epoch milliseconds. */
  readonly at: number
}

/** That an operation is deprecated, and until when it answers. */
export interface Deprecation extends Operation {
  readonly deprecatedAt: Date
  /** When it stops answering; null when that is not decided. */
  readonly sunsetAt: Date | null
  /** A page about it. */
  readonly link: string | null
}

/** An operation that an app registered, or that somebody deprecated. Its method is `*` for a route of every method. */
export interface Route extends Operation {
  /** Null when no app has registered it. */
  readonly firstRegisteredAt: Date | null
  readonly lastRegisteredAt: Date | null
  /** The releases that registered it first and last; null when unknown. */
  readonly firstRelease: string | null
  readonly lastRelease: string | null
  /** Start of the last hour with a request (of the day, in an app with buckets of days); null when there was none since it was registered. */
  readonly lastCalledAt: Date | null
  readonly deprecatedAt: Date | null
  readonly sunsetAt: Date | null
  readonly link: string | null
}

/** A registered route, and whether an app registers it now. */
export interface ListedRoute extends Route {
  /** An app that runs has it. False for a route that no process has registered for two days. */
  readonly isCurrent: boolean
}

/** Why a route is in the list of unused ones. */
export type UnusedState =
  /** No request since it was registered, before the period began. */
  | 'never'
  /** The last request came before the period. */
  | 'stopped'
  /** No request yet, but it was registered after the period began. */
  | 'new'

/** A route without a request in a period. */
export interface UnusedRoute extends Route {
  readonly firstRegisteredAt: Date
  readonly lastRegisteredAt: Date
  readonly state: UnusedState
}

/** The routes without a request in a number of complete days. */
export interface UnusedRoutes {
  readonly days: number
  /** The period, in whole UTC days; null when no day is complete yet. */
  readonly since: Date | null
  readonly until: Date | null
  /** The database has what every process counted up to then; null when nothing was ever delivered. */
  readonly completeUntil: Date | null
  /** Registered routes of the running releases, called or not. */
  readonly routeCount: number
  /** The releases that run; without those that gave no name. */
  readonly releases: readonly string[]
  /** Some requests of the period are counted under `(other)`, past `maxEndpointsPerKey`: their routes are unknown. */
  readonly hasOther: boolean
  /** Never called first, then the longest unused, then those too new to judge. */
  readonly routes: readonly UnusedRoute[]
}

/** Unused and deprecated routes, and how many there are. */
export interface ShownRoutes extends Omit<UnusedRoutes, 'routes'> {
  readonly unusedCount: number
  /** Without those that are too new to judge. */
  readonly unused: readonly UnusedRoute[]
  readonly deprecatedCount: number
  /** The next sunset first. */
  readonly deprecated: readonly Route[]
}

/** What to find: whole days back from the last complete day. */
export interface UnusedRoutesOptions {
  /** Default: 90. */
  readonly days?: number | undefined
  /** Counts after this moment may still come: no day after it is complete. */
  readonly completeUntil?: Date | undefined
}

/** A caller of a deprecated route: an owner, or a key without one. */
export interface DeprecatedCaller {
  /** Null for a key without an owner. */
  readonly owner: string | null
  /** The key; null for an owner, whose keys are summed up. */
  readonly key: { readonly id: string; readonly label: string; readonly name: string | null } | null
  readonly requests: number
  /** Requests in the period before. */
  readonly previousRequests: number
  /** Start of the last bucket with a request; null when there was none in the period. */
  readonly lastUsed: Date | null
}

/** A deprecated route and who still calls it. */
export interface DeprecatedRoute extends Route {
  readonly deprecatedAt: Date
  readonly requests: number
  readonly previousRequests: number
  readonly lastUsed: Date | null
  /** The most requests first; those who stopped last. */
  readonly callers: readonly DeprecatedCaller[]
}

/** The period of a question about deprecated routes; the one before it is compared. */
export interface DeprecatedRoutesOptions {
  /** Default: 30 days ago. */
  readonly since?: Date | undefined
  /** Not included. Default: now. */
  readonly until?: Date | undefined
  /** The period to compare with. Default: of the same length, right before. */
  readonly previous?: { readonly since: Date; readonly until: Date } | undefined
}

/** What to deprecate. */
export interface NewDeprecation extends Operation {
  /** Default: as before, else now. */
  readonly since?: Date | undefined
  /** Default: as before. */
  readonly sunset?: Date | null | undefined
  /** URL of a page about it. Default: as before. */
  readonly link?: string | null | undefined
}

/** Whether a request with this method is one to a route with that one: every HEAD request is answered by a GET route. */
export function takesMethod(routeMethod: string, method: string): boolean {
  return (
    routeMethod === method || routeMethod === EVERY_METHOD || (routeMethod === 'GET' && method === 'HEAD')
  )
}
