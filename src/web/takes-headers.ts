import type { Context } from 'koa'

/** Whether the response has not begun. A WebSocket has none. */
export function takesHeaders(ctx: Context): boolean {
  return Boolean(ctx.res) && !ctx.headerSent
}
