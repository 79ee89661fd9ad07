import type { Context } from 'koa'
import { markRequest } from './request-mark.ts'

/**
 * Whose request it is, as an app says it: its own id of the key, which may be shown and stored, or the secret itself,
 * which is hashed at once and never kept.
 */
export type ApiKey = string | NamedApiKey

/** A key by the app's own id, for example `{ id: 'key_42', name: 'Billing export', owner: 'ACME' }`. */
export interface NamedApiKey {
  /** Stays as it is when it is a UUID; any other id is shown as the key's label. Never pass a secret here. */
  readonly id: string | number | bigint
  readonly name?: string | null | undefined
  readonly owner?: string | null | undefined
}

/**
 * Says whose request this is. Goes before `ctx.state.apiKey`, the option `identify` and the headers. Call it after
 * the key was checked: a key given here is taken as real. `undefined` or `null` takes it back.
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
