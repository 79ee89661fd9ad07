import type { Router as KoaRouter } from '@koa/router'
import compose from 'koa-compose'
import type Koa from 'koa'
import { describe, expect, test } from 'vitest'
import type { AnalyticsOptions } from '../../src/options/options.ts'
import { ROUTER_VERSIONS, type RouterVersion } from '../support/apps/router-versions.ts'
import { mount, serveApp } from '../support/apps/serve-app.ts'
import { send } from '../support/apps/send-request.ts'

type Build = (router: KoaRouter, version: RouterVersion) => void
type Handler = (ctx: Koa.Context, next: Koa.Next) => unknown

const answer: Handler = (ctx) => {
  ctx.body = 'ok'
}
const answerAndPass: Handler = (ctx, next) => {
  ctx.body = 'ok'
  return next()
}
const pass: Handler = (_ctx, next) => next()
const refuse: Handler = (ctx) => ctx.throw(401)

interface Case {
  readonly build: Build
  readonly prefix?: string
  /** `GET /path`, and the endpoint and status that count. */
  readonly requests: Readonly<Record<string, string>>
}

const CASES: Readonly<Record<string, Case>> = {
  'several methods on one path with a generic route behind them': {
    build: (router) => router.get('/users', answer).post('/users', answer).get('/:page', answer),
    requests: { 'GET /users': '/users 200', 'POST /users': '/users 200', 'GET /about': '/:page 200' },
  },
  'CRUD with a catch-all behind it': {
    build: (router, { everything }) =>
      router
        .get('/users', answer)
        .post('/users', answer)
        .get('/users/:id', answer)
        .put('/users/:id', answer)
        .delete('/users/:id', answer)
        .all(everything, (ctx) => ctx.throw(404)),
    requests: {
      'GET /users': '/users 200',
      'PUT /users/5': '/users/:id 200',
      'DELETE /users/5': '/users/:id 200',
      'PATCH /users/5': '(everything) 404',
      'GET /a/b': '(everything) 404',
    },
  },
  'RegExp fallbacks': {
    build: (router) =>
      router.get('/users', answer).post('/users', answer).get(/^\/u/, answer).get(/./, answer),
    requests: { 'GET /users': '/users 200', 'GET /us': '/^\\/u/ 200', 'GET /x': '/./ 200' },
  },
  'a guard for all paths first': {
    build: (router, { everything }) =>
      router.all(everything, pass).get('/users', answer).post('/users', answer).get('/:page', answer),
    requests: { 'GET /users': '/users 200', 'POST /users': '/users 200', 'GET /about': '/:page 200' },
  },
  'a guard for all paths that refuses': {
    build: (router, { everything }) => router.all(everything, refuse).get('/users', answer),
    requests: { 'GET /users': '(everything) 401' },
  },
  'a middleware of the router that refuses, with a catch-all behind the routes': {
    build: (router, { everything }) => router.use(refuse).get('/users', answer).all(everything, answer),
    requests: { 'GET /users': '/users 401', 'GET /x': '(everything) 401' },
  },
  'a middleware of the router that refuses, with a guard before the routes': {
    build: (router, { everything }) =>
      router.use(refuse).all(everything, pass).get('/users', answer).get('/:page', answer),
    requests: { 'GET /users': '/users 401', 'GET /x': '/:page 401' },
  },
  'a specific route before one with a parameter': {
    build: (router) => router.get('/order/list', answer).get('/order/:orderId', answer),
    requests: { 'GET /order/list': '/order/list 200', 'GET /order/5': '/order/:orderId 200' },
  },
  'parameters of one shape': {
    build: (router) => router.get('/a/:x', answer).get('/:y/:z', answer),
    requests: { 'GET /a/1': '/a/:x 200', 'GET /b/1': '/:y/:z 200' },
  },
  'a route, a middleware for its path, and a generic route': {
    build: (router) => router.get('/users', answer).use('/users', refuse).get('/:page', answer),
    requests: { 'GET /users': '/users 200', 'GET /about': '/:page 200', 'HEAD /users': '/users 200' },
  },
  'a middleware for the path of a route, and a generic route': {
    build: (router) => router.use('/users', refuse).get('/users', answer).get('/:page', answer),
    requests: { 'GET /users': '/users 401', 'GET /about': '/:page 200' },
  },
  'next() from route to route': {
    build: (router) =>
      router
        .get('/users/:id', pass)
        .get('/users/me', pass)
        .get('/:kind/:id', answer)
        .get('/users/:other', answer),
    requests: { 'GET /users/me': '/:kind/:id 200' },
  },
  'next() from a route that has answered': {
    build: (router, { everything }) => router.get('/users', answerAndPass).all(everything, pass),
    requests: { 'GET /users': '/users 200', 'POST /users': '(everything) 404' },
  },
  'next() from a route that has answered to one that answers again': {
    build: (router) =>
      router.get('/users', answerAndPass).get('/:page', (ctx) => void (ctx.body = 'another')),
    requests: { 'GET /users': '/:page 200' },
  },
  'a handler that throws': {
    build: (router) =>
      router
        .get('/users', (ctx) => ctx.throw(409))
        .post('/users', answer)
        .get('/:page', answer),
    requests: { 'GET /users': '/users 409' },
  },
  'a handler that throws behind one that answered': {
    build: (router) => router.get('/users', answerAndPass).get('/:page', (ctx) => ctx.throw(409)),
    requests: { 'GET /users': '/:page 409' },
  },
  'a parameter that is refused': {
    build: (router) =>
      router
        .param('id', (_id, ctx) => ctx.throw(400))
        .get('/users/:id', answer)
        .get('/:a/:b', answer),
    requests: { 'GET /users/5': '/users/:id 400', 'GET /a/b': '/:a/:b 200' },
  },
  'nested prefixes': {
    prefix: '/v1',
    build: (router, { Router }) => {
      const users = new Router({ prefix: '/:tenant' })
      users.get('/users', answer).post('/users', answer).get('/:page', answer)
      router.use('/shop', users.routes())
      router.get('/:a/:b/:c', answer)
    },
    requests: {
      'GET /v1/shop/acme/users': '/v1/shop/:tenant/users 200',
      'GET /v1/shop/acme/about': '/v1/shop/:tenant/:page 200',
      'GET /v1/x/y/z': '/v1/:a/:b/:c 200',
    },
  },
  'a router that is nested twice': {
    build: (router, { Router, copiesNested }) => {
      const make = () => new Router().get('/users', answer).get('/:page', answer)
      const users = make()
      router.use('/a', users.routes()).use('/b', (copiesNested ? users : make()).routes())
    },
    requests: {
      'GET /a/users': '/a/users 200',
      'GET /b/users': '/b/users 200',
      'GET /b/about': '/b/:page 200',
      'GET /a/about': '/a/:page 200',
    },
  },
  'several paths with one list of handlers': {
    build: (router) => router.get(['/one', '/two/:id'], pass, answer).get('/:page', answer),
    requests: { 'GET /one': '/one 200', 'GET /two/2': '/two/:id 200', 'GET /x': '/:page 200' },
  },
  'methods that no route takes': {
    build: (router) => router.get('/users', answer).post('/users', answer).get('/:page', answer),
    requests: { 'DELETE /users': '/users 405', 'OPTIONS /users': '/users 200', 'DELETE /x': '/:page 405' },
  },
}

function serve(
  version: RouterVersion,
  { build, prefix }: Pick<Case, 'build' | 'prefix'>,
  at?: string,
  options?: AnalyticsOptions,
) {
  const router = new version.Router(prefix === undefined ? {} : { prefix })
  build(router as KoaRouter, version)
  const all = [router.routes(), router.allowedMethods()] as unknown as Koa.Middleware[]
  return serveApp((app) => {
    if (at === undefined) for (const one of all) app.use(one)
    else app.use(mount(at, compose(all)))
  }, options)
}

const countedBy = (served: { counted: { endpoint: string; status: number }[] }) =>
  served.counted.splice(0).map(({ endpoint, status }) => `${endpoint} ${status}`)

describe.each(Object.entries(ROUTER_VERSIONS))('%s', (_name, version) => {
  const { everything, Router } = version

  describe.each([[undefined], ['/mounted']])('below %s', (at) => {
    test.each(Object.entries(CASES))('%s', async (_case, one) => {
      await using served = await serve(version, one, at)
      for (const [request, counted] of Object.entries(one.requests)) {
        await send(served.url, request.replace(' ', ` ${at ?? ''}`))
        expect({ request, counted: countedBy(served) }).toEqual({
          request,
          counted: [(at ?? '') + counted.replace('(everything)', everything)],
        })
      }
      expect(served.errors).toEqual([])
    })
  })

  test('many requests at once', async () => {
    const turns: (() => void)[] = []
    const wait: Handler = async (ctx) => {
      await new Promise<void>((resolve) => turns.push(resolve))
      ctx.body = 'ok'
    }
    await using served = await serve(version, {
      build: (router) => router.get('/users', wait).post('/users', wait).get('/:page', wait),
    })
    const sent = ['GET /users', 'GET /a', 'POST /users', 'GET /b', 'GET /users'].map((line) =>
      send(served.url, line),
    )
    while (turns.length < 5) await new Promise(setImmediate)
    for (const turn of turns.toReversed()) turn()
    await Promise.all(sent)
    expect(countedBy(served).toSorted()).toEqual([
      '/:page 200',
      '/:page 200',
      '/users 200',
      '/users 200',
      '/users 200',
    ])
  })

  test('routes and handlers that come after the first request', async () => {
    const router = new Router()
    router.get('/users/:id', answer).get('/:any/:thing', answer)
    await using served = await serveApp((app) => app.use(router.routes() as never))
    await send(served.url, 'GET /users/1')
    router.get('/late', answer).get('/:page', answer)
    router.param('id', (_id, _ctx, next) => next())
    for (const path of ['/late', '/users/2', '/x/y']) await send(served.url, `GET ${path}`)
    expect(countedBy(served)).toEqual(['/users/:id 200', '/late 200', '/users/:id 200', '/:any/:thing 200'])
  })

  test('a router that is nested after its first request', async () => {
    const router = new Router()
    router.use('/users', pass).get('/users/:id', answer).get('/:page', answer)
    await using served = await serveApp((app) => app.use(router.routes() as never))
    await send(served.url, 'GET /users/1')
    const outer = new Router()
    outer.use('/outer', router.routes())
    await using nested = await serveApp((app) => app.use(outer.routes() as never))
    for (const path of ['/users/1', '/about']) await send(nested.url, `GET /outer${path}`)
    expect(countedBy(served)).toEqual(['/users/:id 200'])
    expect(countedBy(nested)).toEqual(['/outer/users/:id 200', '/outer/:page 200'])
  })

  test('a router that the app also runs with a small context of its own', async () => {
    const router = new Router()
    let req: unknown
    router.get('/users/:id', (ctx) => {
      req ??= ctx.req
      ctx.body = 'ok'
    })
    await using served = await serveApp((app) => app.use(router.routes() as never))
    await send(served.url, 'GET /users/1')
    const run = router.routes() as unknown as Handler
    const own = { method: 'GET', path: '/users/2', request: {}, body: '' }
    for (const context of [{ ...own }, { ...own, req }]) {
      await run(context as Koa.Context, async () => {})
      expect(context.body).toBe('ok')
    }
  })

  test('an app that was answered before its router ran', async () => {
    const router = new Router({ prefix: '/v1' })
    const users = new Router()
    users.get('/me', answer).get('/:id', answer)
    router.use('/users', users.routes())
    router.get('/:page', answer)
    const guarded = new Router()
    guarded.all(everything, pass).get('/reports', answer).get(/^\/x/gy, answer)
    await using served = await serveApp((app) => app.use(refuse).use(router.routes() as never), {
      routes: [router, { prefix: '/inner', router: guarded }] as never,
    })
    const requests = {
      'GET /v1/users/5?key=secret': '/v1/users/:id 401',
      'GET /v1/users/me': '/v1/users/me 401',
      'HEAD /v1/about': '/v1/:page 401',
      'DELETE /v1/users/5': '/v1/users/:id 401',
      'GET /inner/reports': '/inner/reports 401',
      'GET /inner/x': '/inner/^\\/x/gy 401',
      'GET /inner/y': `/inner${everything} 401`,
      'GET /innermost': '(unmatched) 401',
      'GET /wp-login.php': '(unmatched) 401',
    }
    for (const [request, counted] of Object.entries(requests)) {
      for (const _time of [1, 2]) await send(served.url, request)
      expect({ request, counted: countedBy(served) }).toEqual({ request, counted: [counted, counted] })
    }
    expect(served.errors).toEqual([])
  })
})
