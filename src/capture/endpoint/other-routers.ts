import type { Context } from 'koa'
import { findMountPrefix, joinPattern, searchMountPrefix } from './find-route.ts'
import type { RequestMark } from '../request-mark.ts'
import type { RoutedContext } from './router.ts'

/** The value that koa-better-router leaves as `ctx.route`. */
interface BetterRoute {
  readonly path: string
  readonly middlewares: readonly unknown[]
  readonly match: (path: string) => unknown
}

interface OtherContext extends RoutedContext {
  /** The path of the route of koa-route that ran last. */
  readonly routePath?: string | RegExp
  readonly route?: Partial<BetterRoute>
}

/** The pattern that koa-route or koa-better-router has left on the context, with the prefixes of koa-mount. */
export function readOtherPattern(ctx: Context, mark: RequestMark): string | undefined {
  const { routePath, route, mountPath } = ctx as Context & OtherContext
  if (routePath !== undefined && routePath !== null) {
    return joinPattern(findMountPrefix(ctx, mark.otherPath), routePath)
  }
  if (!isBetterRoute(route)) return undefined
  const prefix = mountPath === undefined ? '' : searchMountPrefix(ctx, (rest) => Boolean(route.match(rest)))
  return joinPattern(prefix, route.path)
}

/** The full prefix of the app or middleware under koa-mount that the request entered last. */
export function readMountPattern(ctx: Context): string | undefined {
  const { mountPath } = ctx as Context & OtherContext
  return mountPath === undefined ? undefined : searchMountPrefix(ctx, () => true)
}

/** Whether a known router serves this app, as far as this request shows. */
export function meetsRouter(ctx: Context): boolean {
  const { matched, routePath, route } = ctx as Context & OtherContext
  const isRouter = (middleware: object) => 'router' in middleware
  return (
    Array.isArray(matched) ||
    routePath !== undefined ||
    isBetterRoute(route) ||
    (ctx.app?.middleware ?? []).some(isRouter)
  )
}

/** An app may have a `ctx.route` of its own. */
function isBetterRoute(route: Partial<BetterRoute> | undefined): route is BetterRoute {
  return (
    typeof route?.path === 'string' && typeof route.match === 'function' && Array.isArray(route.middlewares)
  )
}
