import type { Context } from 'koa'
import { markRequest } from '../request-mark.ts'

/**
 * Sets the endpoint of this request. It comes before the route and before the option `endpoint`. Give a pattern, never
 * a path with ids in it. `undefined` or `null` undoes it.
 *
 * ```ts
 * app.use(async (ctx, next) => {
 *   if (ctx.path === '/graphql') setEndpoint(ctx, '/graphql')
 *   await next()
 * })
 * ```
 */
export function setEndpoint(ctx: Pick<Context, 'req'>, endpoint: string | null | undefined): void {
  markRequest(ctx.req).endpoint = endpoint
}
