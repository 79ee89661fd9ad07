import { Router } from '@koa/router'
import Koa, { type Context } from 'koa'

/** The keys that the app knows, as a table of a database would be cached. */
export const KEYS = Array.from({ length: 1000 }, (_, index) => ({
  id: `key_${index}`,
  secret: `sk_live_${String(index).padStart(4, '0')}_c2VjcmV0IG9mIGEga2V5`,
  owner: `customer_${index % 100}`,
}))
const KEY_OF_SECRET = new Map(KEYS.map((key) => [key.secret, key]))

const RESOURCES = [
  'users',
  'orders',
  'invoices',
  'products',
  'files',
  'teams',
  'events',
  'plans',
  'tags',
  'jobs',
]
const SHAPES = [
  ['GET', '', ''],
  ['POST', '', ''],
  ['GET', '/:id', '/42'],
  ['DELETE', '/:id', '/42'],
  ['GET', '/:id/history/:entry', '/42/history/7'],
] as const

/** 50 operations; `example` is a path that calls one. */
export const ROUTES = SHAPES.flatMap(([method, pattern, path]) =>
  RESOURCES.map((resource) => ({
    method,
    pattern: `/v1/${resource}${pattern}`,
    example: `/v1/${resource}${path}`,
  })),
)

/** What a candidate wants to be told by the app. */
export interface Hooks {
  /** Called by the authentication for a key that is real. */
  readonly onKey?: (ctx: Context, key: { readonly id: string }) => void
}

/** A small API: authentication, a router, and JSON answers. `install` puts its middleware first, if it has one. */
export async function makeSampleApp(
  install: (app: Koa) => Hooks | void | Promise<Hooks | void>,
): Promise<Koa> {
  const app = new Koa()
  const { onKey } = (await install(app)) ?? {}
  app.use((ctx, next) => {
    const key = KEY_OF_SECRET.get(ctx.get('x-api-key'))
    if (!key) return ctx.throw(401, 'Unknown API key')
    ctx.state.apiKey = { id: key.id }
    onKey?.(ctx, key)
    return next()
  })
  const router = new Router()
  for (const { method, pattern } of ROUTES) router.register(pattern, [method], answer)
  app.use(router.routes())
  return app
}

function answer(ctx: Context & { readonly params: Readonly<Record<string, string>> }): void {
  ctx.body = {
    id: ctx.params['id'] ?? 'new',
    entry: ctx.params['entry'],
    url: ctx.path,
    createdAt: new Date().toISOString(),
    amount: { value: 1299, currency: 'EUR' },
    lines: LINES,
  }
}

const LINES = Array.from({ length: 5 }, (_, index) => ({
  sku: `sku-${index}`,
  quantity: index + 1,
  price: 250,
}))
