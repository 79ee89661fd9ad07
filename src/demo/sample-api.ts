import { Readable } from 'node:stream'
import { setTimeout as work } from 'node:timers/promises'
import { Router } from '@koa/router'
import type Koa from 'koa'
import type { Context, Middleware } from 'koa'
import { setApiKey } from '../capture/key/set-api-key.ts'
import { setUsage } from '../capture/usage/set-usage.ts'
import { apiKeyUsage } from '../self-service/api-key-usage.ts'

/** A key as an API could have it in its own database. */
export interface SampleKey {
  readonly id: string
  readonly name: string
  readonly owner: string
  readonly readOnly?: boolean
}

/** What the sample API knows about its callers. */
export interface SampleKeys {
  /** By secret. */
  readonly all: ReadonlyMap<string, SampleKey>
  isRevoked(key: SampleKey): boolean
}

/** The units that the sample API sells. */
export const SAMPLE_UNITS = ['rows', 'tokens']

/**
 * Turns an app into a typical API: it checks keys itself, has a nested router, and one endpoint with a bug. It sells rows
 * of products, and tokens of a stream. Customers may ask for their usage.
 */
export function createSampleApi(app: Koa, analytics: Middleware, router: Router): Koa {
  app.use(analytics)
  app.use(router.routes())
  app.use(router.allowedMethods())
  // The bug below is intended, so Koa must not print it.
  app.on('error', () => {})
  return app
}

/** The app's own authentication; `setApiKey` passes on the key that it recognised. */
function authenticate(keys: SampleKeys): Middleware {
  return async (ctx, next) => {
    const key = keys.all.get(ctx.get('x-api-key'))
    if (!key) return ctx.throw(401, 'Unknown API key')
    setApiKey(ctx, key)
    if (keys.isRevoked(key)) ctx.throw(401, 'This API key was revoked')
    if (key.readOnly && !['GET', 'HEAD'].includes(ctx.method)) ctx.throw(403, 'This API key may only read')
    return next()
  }
}

/** A report as a model would write it: server-sent events, each with the tokens so far. */
async function* writeReport(ctx: Context): AsyncGenerator<string> {
  let tokens = 0
  for (const sentence of REPORT) {
    tokens += sentence.split(' ').length
    setUsage(ctx, 'tokens', tokens)
    yield `data: ${sentence}\n\n`
  }
}

const REPORT = [
  'Sales grew in every quarter of the year.',
  'Most orders came from the mobile app, and fewer of them were returned than in the year before.',
  'Products with pictures sold twice as well as those without.',
]
const PRODUCTS = 100
const PRODUCTS_ETAG = '"products-1"'

/** The routes of the sample API, one of which nobody calls. */
export function createSampleRouter(keys: SampleKeys): Router {
  const invoices = new Router({ prefix: '/invoices' })
  invoices.get('/', (ctx) => {
    ctx.body = [{ number: 1 }, { number: 2 }]
  })
  invoices.get('/:number', (ctx) => {
    ctx.body = { number: Number(ctx.params['number']) }
  })

  const v1 = new Router({ prefix: '/v1' })
  v1.use(authenticate(keys))
  v1.use(apiKeyUsage({ path: '/v1/usage' }))
  v1.get('/products', (ctx) => {
    ctx.status = 200
    ctx.etag = PRODUCTS_ETAG
    if (ctx.fresh) ctx.status = 304
    else {
      ctx.body = { products: PRODUCTS }
      setUsage(ctx, 'rows', PRODUCTS)
    }
  })
  v1.get('/products/:id', (ctx) => {
    if (Number(ctx.params['id']) > PRODUCTS) ctx.throw(404, 'No such product')
    ctx.body = { id: Number(ctx.params['id']) }
  })
  v1.get('/stock', (ctx) => {
    ctx.body = { products: PRODUCTS }
  })
  v1.post('/orders', async (ctx) => {
    await work(3)
    ctx.status = 201
    ctx.body = { id: 1 }
  })
  v1.get('/orders/:id', (ctx) => {
    ctx.body = { id: ctx.params['id'] }
  })
  v1.get('/reports/:year', async (ctx) => {
    await work(15)
    if (ctx.params['year'] === '2026') throw new TypeError('A bug in a handler')
    ctx.type = 'text/event-stream'
    ctx.body = Readable.from(writeReport(ctx))
  })
  v1.use('/customers/:customerId', invoices.routes())
  return v1
}
