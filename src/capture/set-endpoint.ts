import type { Context } from 'koa'
import { markRequest } from './request-mark.ts'

/**
 * Says which endpoint this request belongs to. It goes before the route and before the option `endpoint`. Give a
 * pattern, never a path with ids in it. `undefined` or `null` takes it back.
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
