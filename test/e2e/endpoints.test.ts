import { request } from 'node:http'
import { Readable } from 'node:stream'
import { Router } from '@koa/router'
import createHttpError from 'http-errors'
import type Koa from 'koa'
import { describe, expect, test } from 'vitest'
import { AnalyticsError } from '../../src/model/errors.ts'
import type { AnalyticsOptions } from '../../src/options/options.ts'
import { send } from '../support/apps/send-request.ts'
import { KOA_VERSIONS, mount, serveApp, until } from '../support/apps/serve-app.ts'

const KEY = { 'x-api-key': 'a-key-of-more-than-20-characters' }
const answer: Koa.Middleware = (ctx) => {
  ctx.body = 'ok'
}
const pass: Koa.Middleware = (_ctx, next) => next()
const refuse: Koa.Middleware = (ctx) => ctx.throw(401)

interface Case {
  readonly app: (app: Koa) => void
  /** `GET /path` */
  readonly request: string
  /** `GET /pattern 200` */
  readonly counted: string
  readonly options?: AnalyticsOptions
}

function routed(build: (router: Router) => void, router = new Router()): (app: Koa) => void {
  build(router)
  return (app) => app.use(router.routes()).use(router.allowedMethods())
}

function threeRouters(handler: Koa.Middleware): (app: Koa) => void {
  const orders = new Router({ prefix: '/orders' })
  orders.get('/:order', handler)
  const users = new Router({ prefix: '/users/:user' })
  users.use(orders.routes())
  return routed((router) => router.use(users.routes()), new Router({ prefix: '/v1' }))
}

function appOf(...middlewares: Koa.Middleware[]): Koa {
  const app = new KOA_VERSIONS[0][1]()
  for (const middleware of middlewares) app.use(middleware)
  return app
}

function routerOf(build: (router: Router) => void): Koa.Middleware {
  const router = new Router()
  build(router)
  return router.routes() as unknown as Koa.Middleware
}

function throwing(thrown: unknown): Koa.Middleware {
  return () => {
    throw thrown
  }
}

const CASES: Record<string, Case> = {
  'a plain route': {
    app: routed((router) => router.get('/users/:id', answer)),
    request: 'GET /users/5?api_key=SECRET',
    counted: 'GET /users/:id 200',
  },
  'a root route': {
    app: routed((router) => router.get('/', answer)),
    request: 'GET /',
    counted: 'GET / 200',
  },
  'three nested routers with prefixes and parameters': {
    app: threeRouters(answer),
    request: 'GET /v1/users/7/orders/9',
    counted: 'GET /v1/users/:user/orders/:order 200',
  },
  'a handler in nested routers that throws': {
    app: threeRouters(throwing(new Error('no'))),
    request: 'GET /v1/users/7/orders/9',
    counted: 'GET /v1/users/:user/orders/:order 500',
  },
  'a 401 thrown by router.use without a path, under a prefix': {
    app: routed((router) => router.use(refuse).get('/users/:id', answer), new Router({ prefix: '/v1' })),
    request: 'GET /v1/users/5',
    counted: 'GET /v1/users/:id 401',
  },
  'a 401 thrown by router.use with a path': {
    app: routed((router) => router.use('/users', refuse).get('/users', answer).get('/users/:id', answer)),
    request: 'GET /users/5',
    counted: 'GET /users/:id 401',
  },
  'a 401 thrown by router.use with a parameter in the prefix': {
    app: routed((router) => router.use(refuse).get('/users', answer), new Router({ prefix: '/:tenant' })),
    request: 'GET /acme/users',
    counted: 'GET /:tenant/users 401',
  },
  'router.use that lets pass': {
    app: routed((router) => router.use(pass).use('/users', pass).get('/users/:id', answer)),
    request: 'GET /users/5',
    counted: 'GET /users/:id 200',
  },
  'a 401 behind a catch-all that let pass': {
    app: routed((router) => router.all('/{*any}', pass).use(refuse).get('/users/:id', answer)),
    request: 'GET /users/5',
    counted: 'GET /users/:id 401',
  },
  'router.all': {
    app: routed((router) => router.all('/any/:thing', answer)),
    request: 'PATCH /any/1',
    counted: 'PATCH /any/:thing 200',
  },
  'the first of several routes that match, when it answers': {
    app: routed((router) => router.get('/users/:id', answer).get('/users/me', answer)),
    request: 'GET /users/me',
    counted: 'GET /users/:id 200',
  },
  'the second of several routes that match, when the first lets pass': {
    app: routed((router) => router.get('/users/:id', pass).get('/users/me', answer)),
    request: 'GET /users/me',
    counted: 'GET /users/me 200',
  },
  'the method of several routes with one path': {
    app: routed((router) => router.get('/users/:id', answer).put('/users/:name', answer)),
    request: 'PUT /users/5',
    counted: 'PUT /users/:name 200',
  },
  'a RegExp route': {
    app: routed((router) => router.get(/^\/files\/(\d+)$/i, answer)),
    request: 'GET /files/12',
    counted: 'GET /^\\/files\\/(\\d+)$/i 200',
  },
  'an array of paths': {
    app: routed((router) => router.get(['/one', '/two/:id'], answer)),
    request: 'GET /two/2',
    counted: 'GET /two/:id 200',
  },
  'the second of two routers': {
    app: (app) => {
      routed((router) => router.use(pass).get('/a/:x', answer))(app)
      routed((router) => router.use(refuse).get('/b/:x', answer))(app)
    },
    request: 'GET /b/1',
    counted: 'GET /b/:x 401',
  },
  'the second of two routers when the first lets pass': {
    app: (app) => {
      routed((router) => router.get('/:any', pass))(app)
      routed((router) => router.get('/b', answer))(app)
    },
    request: 'GET /b',
    counted: 'GET /b 200',
  },
  'HEAD answered by GET': {
    app: routed((router) => router.get('/users/:id', answer)),
    request: 'HEAD /users/5',
    counted: 'HEAD /users/:id 200',
  },
  'a path without a route': {
    app: routed((router) => router.get('/users/:id', answer)),
    request: 'GET /wp-login.php',
    counted: 'GET (unmatched) 404',
  },
  'an app without a router': {
    app: (app) => app.use(pass),
    request: 'GET /x',
    counted: 'GET (unmatched) 404',
  },
  'a 404 of a route': {
    app: routed((router) => router.get('/users/:id', (ctx) => ctx.throw(404))),
    request: 'GET /users/5',
    counted: 'GET /users/:id 404',
  },
  'a method that no route takes': {
    app: routed((router) => router.get('/users/:id', answer)),
    request: 'DELETE /users/5',
    counted: 'DELETE /users/:id 405',
  },
  'a method that the router does not implement': {
    app: routed((router) => router.get('/users/:id', answer)),
    request: 'PROPFIND /users/5',
    counted: 'PROPFIND /users/:id 501',
  },
  'OPTIONS answered by allowedMethods': {
    app: routed((router) => router.get('/users/:id', answer)),
    request: 'OPTIONS /users/5',
    counted: 'OPTIONS /users/:id 200',
  },
  'an answer without a body': {
    app: routed((router) =>
      router.delete('/users/:id', (ctx) => {
        ctx.body = null
      }),
    ),
    request: 'DELETE /users/5',
    counted: 'DELETE /users/:id 204',
  },
  'a streamed body': {
    app: routed((router) =>
      router.get('/stream', (ctx) => {
        ctx.body = Readable.from(['a', 'b'])
      }),
    ),
    request: 'GET /stream',
    counted: 'GET /stream 200',
  },
  'a plain Error': {
    app: routed((router) => router.get('/x', throwing(new Error('no')))),
    request: 'GET /x',
    counted: 'GET /x 500',
  },
  'an http-error': {
    app: routed((router) => router.get('/x', throwing(createHttpError(429)))),
    request: 'GET /x',
    counted: 'GET /x 429',
  },
  'an Error with only a statusCode': {
    app: routed((router) => router.get('/x', throwing(Object.assign(new Error('no'), { statusCode: 418 })))),
    request: 'GET /x',
    counted: 'GET /x 418',
  },
  'an Error with an unknown status': {
    app: routed((router) => router.get('/x', throwing(Object.assign(new Error('no'), { status: 499 })))),
    request: 'GET /x',
    counted: 'GET /x 500',
  },
  'an Error whose status is a text': {
    app: routed((router) => router.get('/x', throwing(Object.assign(new Error('no'), { status: '404' })))),
    request: 'GET /x',
    counted: 'GET /x 500',
  },
  'a thrown object that is no Error': {
    app: routed((router) => router.get('/x', throwing({ status: 404 }))),
    request: 'GET /x',
    counted: 'GET /x 500',
  },
  'a thrown text': {
    app: routed((router) => router.get('/x', throwing('text'))),
    request: 'GET /x',
    counted: 'GET /x 500',
  },
  'an app mounted at a prefix': {
    app: (app) => app.use(mount('/api', appOf(routerOf((router) => router.get('/users/:id', answer))))),
    request: 'GET /api/users/5',
    counted: 'GET /api/users/:id 200',
  },
  'the root of a mounted app': {
    app: (app) => app.use(mount('/api', appOf(routerOf((router) => router.get('/', answer))))),
    request: 'GET /api',
    counted: 'GET /api 200',
  },
  'an app mounted in a mounted app': {
    app: (app) =>
      app.use(
        mount('/api', appOf(mount('/v2', appOf(routerOf((router) => router.get('/users/:id', answer)))))),
      ),
    request: 'GET /api/v2/users/5',
    counted: 'GET /api/v2/users/:id 200',
  },
  'a catch-all of a mounted app': {
    app: (app) => app.use(mount('/api', appOf(routerOf((router) => router.get('/{*path}', answer))))),
    request: 'GET /api/a/b',
    counted: 'GET /api/{*path} 200',
  },
  'a catch-all of a doubly mounted app': {
    app: (app) =>
      app.use(
        mount('/api', appOf(mount('/api', appOf(routerOf((router) => router.get('/{*path}', answer)))))),
      ),
    request: 'GET /api/api/api',
    counted: 'GET /api/api/{*path} 200',
  },
  'an error in a mounted app': {
    app: (app) =>
      app.use(mount('/api', appOf(routerOf((router) => router.use(refuse).get('/users/:id', answer))))),
    request: 'GET /api/users/5',
    counted: 'GET /api/users/:id 401',
  },
  'a RegExp route of a mounted app': {
    app: (app) => app.use(mount('/api', appOf(routerOf((router) => router.get(/users/, answer))))),
    request: 'GET /api/all/users',
    counted: 'GET /api/users/ 200',
  },
  'a catch-all behind a mounted app that lets pass': {
    app: (app) => {
      app.use(mount('/api', pass))
      routed((router) => router.get('/{*path}', answer))(app)
    },
    request: 'GET /api/a',
    counted: 'GET /{*path} 200',
  },
  'a route behind a rewritten path and a mount': {
    app: (app) => {
      app.use((ctx, next) => {
        ctx.path = ctx.path.replace('/old', '/api/users')
        return next()
      })
      app.use(mount('/api', appOf(routerOf((router) => router.get('/users/:id', answer)))))
    },
    request: 'GET /old/5',
    counted: 'GET /api/users/:id 200',
  },
  'a raw path': {
    app: (app) => app.use(answer),
    request: 'GET //a///b%20c/?api_key=SECRET',
    counted: 'GET /a/b%20c/ 200',
    options: { endpoint: 'path' },
  },
  'a raw path in a mounted app': {
    app: (app) => app.use(mount('/api', answer)),
    request: 'GET /api/x',
    counted: 'GET /api/x 200',
    options: { endpoint: 'path' },
  },
  'an endpoint of the app’s own': {
    app: (app) => app.use(answer),
    request: 'GET /rpc?method=getUser',
    counted: 'GET getUser 200',
    options: { endpoint: (ctx) => String(ctx.query['method']) },
  },
}

describe.each(KOA_VERSIONS)('with %s', (_version, App) => {
  test.each(Object.entries(CASES))('counts %s', async (_name, { app, request, counted, options }) => {
    await using served = await serveApp(
      (server) => {
        server.use(async (ctx, next) => {
          ctx.state.apiKey = { id: 'customer' }
          await next()
        })
        app(server)
      },
      options,
      App,
    )
    const status = await send(served.url, request)
    expect(served.counted.map(({ method, endpoint, status }) => `${method} ${endpoint} ${status}`)).toEqual([
      counted,
    ])
    expect(served.counted[0]).toMatchObject({ status })
    expect(served.errors).toEqual([])
  })

  test('counts what Koa answers for every status that an error may have', async () => {
    // 1xx is no answer, and a client waits for another
    const statuses = Array.from({ length: 400 }, (_, index) => 200 + index)
    await using served = await serveApp(
      routed((router) =>
        router
          .get('/thrown/:status', (ctx) =>
            throwing({ ...createHttpError(500), status: Number(ctx.params.status) })(
              ctx as never,
              pass as never,
            ),
          )
          .get('/error/:status', ({ params: { status } }) => {
            throw Object.assign(new Error('no'), { status: Number(status) })
          })
          .get('/set/:status', (ctx) => {
            ctx.status = Number(ctx.params.status)
          }),
      ),
      {},
      App,
    )
    const answered: number[] = []
    for (const kind of ['thrown', 'error', 'set']) {
      for (const status of statuses) answered.push(await send(served.url, `GET /${kind}/${status}`))
    }
    expect(served.counted.map(({ status }) => status)).toEqual(answered)
    expect(new Set(answered).has(306)).toBe(true)
    expect(answered[statuses.length + 106]).toBe(App === KOA_VERSIONS[0][1] ? 500 : 306)
  })

  test('counts what Koa answers when a file is missing', async () => {
    await using served = await serveApp(
      routed((router) => router.get('/file', throwing(Object.assign(new Error('no'), { code: 'ENOENT' })))),
      {},
      App,
    )
    const status = await send(served.url, 'GET /file')
    expect(status).toBe(App === KOA_VERSIONS[0][1] ? 500 : 404)
    expect(served.counted).toMatchObject([{ endpoint: '/file', status }])
  })

  test('counts a thrown null as a 500, though Koa never answers it', async () => {
    await using served = await serveApp(
      routed((router) => router.get('/null', throwing(null))),
      {},
      App,
    )
    const outgoing = request(`${served.url}/null`, { headers: KEY }).end()
    outgoing.on('error', () => {})
    await until(() => served.counted.length === 1)
    outgoing.destroy()
    expect(served.counted).toMatchObject([{ endpoint: '/null', status: 500 }])
  })

  test('passes what a handler threw on, untouched', async () => {
    const thrown = { not: 'an error' }
    const seen: unknown[] = []
    await using served = await serveApp(
      (app, analytics) => {
        app.middleware.unshift(async (_ctx, next) => next().catch((error: unknown) => seen.push(error)))
        app.use(analytics).use(throwing(thrown))
      },
      {},
      App,
    )
    await send(served.url, 'GET /')
    expect(seen).toEqual([thrown])
    expect(seen[0]).toBe(thrown)
    expect(served.counted).toHaveLength(1)
  })

  test('counts a request once whose client goes away before the answer', async () => {
    const started = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    await using served = await serveApp(
      routed((router) =>
        router.post('/slow/:id', async (ctx) => {
          ctx.req.on('close', gone.resolve)
          started.resolve()
          await gone.promise
          ctx.body = 'late'
        }),
      ),
      {},
      App,
    )
    const outgoing = request(`${served.url}/slow/1`, { method: 'POST', headers: KEY })
    outgoing.on('error', () => {})
    outgoing.flushHeaders()
    await started.promise
    outgoing.destroy()
    await until(() => served.counted.length > 0)
    expect(served.counted).toMatchObject([{ method: 'POST', endpoint: '/slow/:id', status: 200 }])
  })

  test('counts an answer that was under way when its handler threw by the status it began with', async () => {
    await using served = await serveApp(
      routed((router) =>
        router.get('/half', (ctx) => {
          ctx.res.writeHead(202).end('half')
          throw new Error('too late')
        }),
      ),
      {},
      App,
    )
    expect(await send(served.url, 'GET /half')).toBe(202)
    expect(served.counted).toMatchObject([{ endpoint: '/half', status: 202 }])
  })
})

test('counts a request before its answer is sent', async () => {
  const order: string[] = []
  await using served = await serveApp((app) =>
    app.use((ctx) => {
      ctx.res.on('pipe', () => order.push(`sent with ${served.counted.length} counted`))
      ctx.body = Readable.from(['x'])
    }),
  )
  await send(served.url, 'GET /')
  expect(order).toEqual(['sent with 1 counted'])
})

test('counts a request once when the middleware is mounted twice and by two copies of the package', async () => {
  await using other = await serveApp(() => {})
  await using served = await serveApp((app, analytics) => app.use(analytics).use(other.analytics).use(answer))
  await send(served.url, 'GET /')
  expect([served.counted.length, other.counted.length]).toEqual([1, 0])
})

test('finds the mount prefix from inside the mounted app', async () => {
  await using served = await serveApp((app, analytics) => {
    app.middleware.length = 0
    const router = routerOf((router) => router.get('/users/:id', answer))
    app.use(mount('/api', appOf(analytics, router)))
  })
  await send(served.url, 'GET /api/users/5')
  expect(served.counted).toMatchObject([{ endpoint: '/api/users/:id' }])
})

test('measures whole microseconds that cover the handlers', async () => {
  let waited = 0
  await using served = await serveApp((app) =>
    app.use(async (ctx) => {
      const startedAt = performance.now()
      await new Promise((resolve) => setImmediate(resolve))
      waited = performance.now() - startedAt
      ctx.body = 'ok'
    }),
  )
  await send(served.url, 'GET /')
  const { durationUs } = served.counted[0] as { durationUs: number }
  expect(Number.isInteger(durationUs)).toBe(true)
  expect(durationUs).toBeGreaterThanOrEqual(Math.floor(waited * 1000))
})

test('does not count ignored paths, however often they are asked for', async () => {
  await using served = await serveApp((app) => app.use(answer), {
    ignore: ['/health', '/admin/', /^\/metrics/gy],
    endpoint: 'path',
  })
  const paths = ['/health', '/health/live', '/admin/users', '/metrics', '/metrics', '/metrics?x']
  for (const path of [...paths, '/healthcare', '/admin', '/my/metrics']) await send(served.url, `GET ${path}`)
  expect(served.counted.map(({ endpoint }) => endpoint)).toEqual(['/healthcare', '/admin', '/my/metrics'])
})

test('counts a method that HTTP does not know as _OTHER', async () => {
  await using served = await serveApp((app) =>
    app.use((ctx) => {
      ctx.method = 'BREW'
      ctx.body = 'ok'
    }),
  )
  await send(served.url, 'GET /')
  expect(served.counted).toMatchObject([{ method: '_OTHER' }])
})

test('counts a status beyond 599 as a 500', async () => {
  await using served = await serveApp((app) =>
    app.use((ctx) => {
      ctx.status = 999
    }),
  )
  expect(await send(served.url, 'GET /')).toBe(999)
  expect(served.counted).toMatchObject([{ status: 500 }])
})

test.each([
  ['throws', () => throwing(new Error('no'))(null as never, null as never)],
  ['returns a number', () => 5],
  ['returns a promise that rejects', () => Promise.reject(new Error('no'))],
])('reports an endpoint function that %s, and counts the request as unmatched', async (_name, endpoint) => {
  await using served = await serveApp((app) => app.use(answer), { endpoint: endpoint as never })
  expect(await send(served.url, 'GET /')).toBe(200)
  expect(served.counted).toMatchObject([{ endpoint: '(unmatched)', status: 200 }])
  expect(served.errors.map(({ code }) => code)).toEqual(['ENDPOINT_FAILED'])
  expect(served.errors[0]).toBeInstanceOf(AnalyticsError)
})

test('answers as if nothing was wrong when the counter fails, and reports it', async () => {
  await using served = await serveApp((app) => app.use(pass))
  served.counted.push = () => {
    throw new Error('full')
  }
  expect(await send(served.url, 'GET /')).toBe(404)
  expect(served.errors.map(({ code }) => code)).toEqual(['INTERNAL'])
})
