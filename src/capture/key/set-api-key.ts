import type { Context } from 'koa'
import type { ApiKey } from '../../model/key.ts'
import { markRequest } from '../request-mark.ts'

/**
 * Sets the key of this request. It comes before `ctx.state.apiKey`, the option `identify` and the headers. Call it
 * after the key was checked: a key given here is taken as real. `undefined` or `null` undoes it.
 *
 * ```ts
 * app.use(async (ctx, next) => {
 *   const key = await findKey(ctx.get('x-api-key'))
 *   if (!key) ctx.throw(401)
 *   setApiKey(ctx, { id: key.id, name: key.name, owner: key.customer })
 *   await next()
 * })
 * ```
 */
export function setApiKey(ctx: Pick<Context, 'req'>, key: ApiKey | null | undefined): void {
  markRequest(ctx.req).readApiKey = () => key
}
