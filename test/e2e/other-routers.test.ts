import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, type AddressInfo } from 'node:net'
import { Router } from '@koa/router'
import compose from 'koa-compose'
import Koa from 'koa'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { setEndpoint } from '../../src/capture/endpoint/set-endpoint.ts'
import { AnalyticsError } from '../../src/model/errors.ts'
import type { AnalyticsOptions } from '../../src/options/options.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../src/model/key.ts'
import { send } from '../support/apps/send-request.ts'
import { mount, serveApp, until, type ServedApp } from '../support/apps/serve-app.ts'

const require = createRequire(import.meta.url)
type Method = (path: string | RegExp, ...handlers: unknown[]) => Koa.Middleware
type Routes = Record<'get' | 'post' | 'all', Method>
const route = require('koa-route') as Routes
const route3 = require('koa-route3') as Routes
const TreeRouter = require('koa-tree-router') as new () => Routes & { routes(): Koa.Middleware }
const TrieRouter = require('koa-trie-router') as new () => Routes & { middleware(): Koa.Middleware }
const BetterRouter = require('koa-better-router') as (options?: object) => {
  loadMethods(): Routes & { middleware(): Koa.Middleware }
}
const JoiRouter = require('koa-joi-router') as new () => Routes & {
  middleware(): Koa.Middleware
  prefix(to: string): void
}
const jwt = require('koa-jwt') as (options: object) => Koa.Middleware
const ratelimit = require('koa-ratelimit') as (options: object) => Koa.Middleware
const websockify = require('koa-websocket') as (app: Koa) => Koa & { ws: { use(one: Koa.Middleware): void } }

const answer: Koa.Middleware = (ctx) => {
  ctx.body = 'ok'
}
const pass: Koa.Middleware = (_ctx, next) => next()
const appOf = (...all: Koa.Middleware[]): Koa => {
  const app = new Koa()
  for (const one of all) app.use(one)
  return app
}
const named =
  (endpoint: string): Koa.Middleware =>
  (ctx, next) => {
    setEndpoint(ctx, endpoint)
    return next()
  }
const codesOf = ({ errors }: ServedApp) => errors.map(({ code }) => code)
const countedBy = (served: ServedApp) =>
  served.counted.splice(0).map(({ method, endpoint, status }) => `${method} ${endpoint} ${status}`)

/** Apps without `@koa/router`: what each request counts as, and the warnings. */
const APPS: Readonly<
  Record<string, { app: (app: Koa) => void; requests: Record<string, string>; warnings?: string[] }>
> = {
  'koa-route': {
    app: (app) => {
      app
        .use(route.get('/users/:id', answer))
        .use(route.post('/users', answer))
        .use(route.all(/^\/x/, answer))
      app.use(route.get('/passed/:on', (_ctx: unknown, _on: unknown, next: Koa.Next) => next()))
      app.use(route.get('/:any/:thing', answer)).use(route.get('/', answer))
    },
    requests: {
      'GET /users/5?key=secret': 'GET /users/:id 200',
      'HEAD /users/5': 'HEAD /users/:id 200',
      'POST /users': 'POST /users 200',
      'PUT /x/y': 'PUT /^\\/x/ 200',
      'GET /passed/on': 'GET /:any/:thing 200',
      'GET /': 'GET / 200',
      'GET /nothing': 'GET (unmatched) 404',
    },
  },
  'koa-route 3': {
    app: (app) => app.use(route3.get('/users/:id', answer)),
    requests: { 'GET /users/5': 'GET /users/:id 200' },
  },
  'koa-route in apps under koa-mount': {
    app: (app) => {
      app.use(
        mount('/api', appOf(route.get('/users/:id', answer), mount('/v2', appOf(route.get('/', answer))))),
      )
      app.use(route.all('/api/other', answer))
    },
    requests: {
      'GET /api/users/5': 'GET /api/users/:id 200',
      'GET /api/v2': 'GET /api/v2 200',
      'GET /api/other': 'GET /api/other 200',
    },
  },
  'koa-better-router': {
    app: (app) => {
      const router = BetterRouter({ prefix: '/v1' }).loadMethods()
      router.get('/users/:id', answer)
      router.post('/users', answer)
      const inner = BetterRouter().loadMethods()
      inner.get('/users/:id', answer)
      app.use(router.middleware()).use(mount('/api', inner.middleware()))
    },
    requests: {
      'GET /v1/users/5': 'GET /v1/users/:id 200',
      'POST /v1/users': 'POST /v1/users 200',
      'GET /api/users/5': 'GET /api/users/:id 200',
      'GET /nothing': 'GET (unmatched) 404',
    },
  },
  'koa-joi-router': {
    app: (app) => {
      const router = new JoiRouter()
      router.prefix('/v1')
      router.get('/users/:id', answer)
      router.get('/:page/:id', answer)
      app.use(router.middleware())
    },
    requests: { 'GET /v1/users/5': 'GET /v1/users/:id 200', 'GET /v1/a/b': 'GET /v1/:page/:id 200' },
  },
  'koa-tree-router with setEndpoint': {
    app: (app) => {
      const router = new TreeRouter()
      router.get('/users/:id', named('/users/:id'), answer)
      app.use(router.routes())
    },
    requests: { 'GET /users/5': 'GET /users/:id 200', 'GET /nothing': 'GET (unmatched) 404' },
  },
  'koa-tree-router alone': {
    app: (app) => {
      const router = new TreeRouter()
      router.get('/users/:id', answer)
      app.use(router.routes())
    },
    requests: { 'GET /users/5': 'GET (unmatched) 200', 'GET /users/6': 'GET (unmatched) 200' },
    warnings: ['ROUTER_UNKNOWN'],
  },
  'koa-trie-router with setEndpoint': {
    app: (app) => {
      const router = new TrieRouter()
      router.get('/users/:id', named('/users/:id'), answer)
      app.use(router.middleware())
    },
    requests: { 'GET /users/5': 'GET /users/:id 200' },
  },
  'koa-trie-router alone': {
    app: (app) => {
      const router = new TrieRouter()
      router.get('/users/:id', answer)
      app.use(router.middleware())
    },
    requests: { 'GET /users/5': 'GET (unmatched) 200', 'DELETE /users/5': 'DELETE (unmatched) 405' },
    warnings: ['ROUTER_UNKNOWN'],
  },
  'middleware under koa-mount, as GraphQL servers are': {
    app: (app) => {
      app.use(mount('/graphql', answer)).use(mount('/files/', answer))
      app.use(mount('/api', appOf(mount('/graphql', (ctx) => ctx.throw(400)))))
    },
    requests: {
      'POST /graphql': 'POST /graphql 200',
      'POST /graphql/x?y': 'POST /graphql 200',
      'GET /files/a/b': 'GET /files 200',
      'POST /api/graphql': 'POST /api/graphql 400',
      'GET /api/nothing': 'GET (unmatched) 404',
    },
  },
  'GraphQL whose operations are named': {
    app: (app) =>
      app.use(
        mount('/graphql', (ctx) => {
          setEndpoint(ctx, `/graphql ${String(ctx.query['operationName'])}`)
          ctx.body = '{}'
        }),
      ),
    requests: { 'POST /graphql?operationName=GetUser': 'POST /graphql GetUser 200' },
  },
  'middleware alone': {
    app: (app) => app.use(answer),
    requests: { 'GET /x': 'GET (unmatched) 200', 'GET /y': 'GET (unmatched) 200' },
    warnings: ['ROUTER_UNKNOWN'],
  },
  'middleware that finds nothing': {
    app: (app) => app.use(pass),
    requests: { 'GET /x': 'GET (unmatched) 404' },
  },
  'an app with its own `ctx.route` and `ctx.router`': {
    app: (app) =>
      app.use((ctx) => {
        ctx.route = { path: ctx.path }
        ctx.router = 'mine'
        ctx.body = ctx.router
      }),
    requests: { 'GET /x': 'GET (unmatched) 200' },
    warnings: ['ROUTER_UNKNOWN'],
  },
}

test.each(Object.entries(APPS))('%s', async (_name, { app, requests, warnings = [] }) => {
  await using served = await serveApp(app)
  for (const [request, counted] of Object.entries(requests)) {
    await send(served.url, request)
    expect({ request, counted: countedBy(served) }).toEqual({ request, counted: [counted] })
  }
  expect(codesOf(served)).toEqual(warnings)
})

describe('a key that came from a header', () => {
  const KEY = { 'x-api-key': 'a-key-of-more-than-20-characters' }
  const keysOf = (served: ServedApp) => served.counted.splice(0).map(({ key }) => key.label)

  test.each<[string, Koa.Middleware, AnalyticsOptions]>([
    ['by middleware alone', answer, {}],
    ['by a router that is not known', new TreeRouter().get('/x', answer) && pass, { endpoint: () => null }],
    ['by koa-route', route.get('/x', answer), {}],
    ['with an endpoint that was set', compose([named('/x'), answer]), {}],
  ])('is known when it was answered %s', async (_name, middleware, options) => {
    await using served = await serveApp((app) => app.use(middleware).use(answer), options)
    await send(served.url, 'GET /x', KEY)
    expect(keysOf(served)).toEqual(['a-ke…ters'])
  })

  test('is not known when it was refused or found nothing', async () => {
    await using served = await serveApp((app) =>
      app.use((ctx) => ctx.throw(ctx.path === '/refused' ? 401 : 404)),
    )
    for (const path of ['/refused', '/x']) await send(served.url, `GET ${path}`, KEY)
    expect(keysOf(served)).toEqual([REJECTED_KEY.label, OTHER_KEY.label])
  })

  test.each<[string, (router: Router) => Koa.Middleware[], AnalyticsOptions]>([
    ['in front of a router', (router) => [router.routes() as never], {}],
    [
      'in an app whose router is hidden, once it was met',
      (router) => [compose([router.routes() as never])],
      {},
    ],
  ])('is not known when a page was answered %s', async (_name, make, options) => {
    const router = new Router()
    router.get('/met', (ctx) => ctx.throw(400))
    await using served = await serveApp((app) => {
      app.use((ctx, next) => (ctx.path === '/page' ? answer(ctx, next) : next()))
      for (const one of make(router)) app.use(one)
    }, options)
    await send(served.url, 'GET /met', KEY)
    await send(served.url, 'GET /page', KEY)
    expect(keysOf(served)).toEqual([OTHER_KEY.label, OTHER_KEY.label])
    expect(served.errors).toEqual([])
  })

  test('is not known when a page was answered in front of a router that `routes` names', async () => {
    await using served = await serveApp((app) => app.use(answer), { routes: [new Router()] })
    await send(served.url, 'GET /page', KEY)
    expect(keysOf(served)).toEqual([OTHER_KEY.label])
    expect(served.errors).toEqual([])
  })
})

test('ROUTER_UNKNOWN says once what to do', async () => {
  await using served = await serveApp((app) => app.use(answer))
  for (const path of ['/a', '/b']) await send(served.url, `GET ${path}`)
  expect(served.errors).toHaveLength(1)
  expect(served.errors[0]).toBeInstanceOf(AnalyticsError)
  expect(served.errors[0]!.message).toMatch(/setEndpoint\(ctx, .*option "endpoint"/)
})

describe('setEndpoint', () => {
  test.each<[unknown, string, string[]]>([
    ['/own', '/own', []],
    ['a\u0000b\ud800', 'ab', []],
    ['', '(unmatched)', []],
    [undefined, '/users/:id', []],
    [null, '/users/:id', []],
    ['x'.repeat(80), `${'x'.repeat(45)}…`, []],
    [5, '(unmatched)', ['ENDPOINT_FAILED']],
  ])('of %j counts %j', async (endpoint, counted, codes) => {
    const router = new Router()
    router.get('/users/:id', (ctx) => {
      setEndpoint(ctx, '/first')
      setEndpoint(ctx, endpoint as string)
      ctx.body = 'ok'
    })
    await using served = await serveApp((app) => app.use(router.routes() as never), { maxEndpointLength: 60 })
    await send(served.url, 'GET /users/5')
    expect(served.counted[0]!.endpoint.slice(0, counted.length)).toBe(counted)
    expect(Buffer.byteLength(served.counted[0]!.endpoint)).toBeLessThanOrEqual(60)
    expect(codesOf(served)).toEqual(codes)
  })

  test('of a promise that rejects hurts nothing', async () => {
    await using served = await serveApp((app) =>
      app.use((ctx) => {
        setEndpoint(ctx, Promise.reject(new Error('no')) as never)
        ctx.body = 'ok'
      }),
    )
    expect(await send(served.url, 'GET /x')).toBe(200)
    expect(countedBy(served)).toEqual(['GET (unmatched) 200'])
    expect(codesOf(served)).toEqual(['ENDPOINT_FAILED', 'ROUTER_UNKNOWN'])
  })

  test.each([['path' as const], [() => '/of-the-option']])('goes before the option %s', async (endpoint) => {
    await using served = await serveApp((app) => app.use(named('/set')).use(answer), { endpoint })
    await send(served.url, 'GET /x')
    expect(countedBy(served)).toEqual(['GET /set 200'])
  })
})

describe('answered before the router, with the option routes', () => {
  test('by koa-jwt and koa-ratelimit', async () => {
    const router = new Router({ prefix: '/v1' })
    router
      .get('/users', answer as never)
      .post('/users', answer as never)
      .get('/:page', answer as never)
    await using served = await serveApp(
      (app) => {
        app.use(ratelimit({ driver: 'memory', db: new Map(), duration: 60_000, max: 3, id: () => 'all' }))
        app.use(jwt({ secret: 'a secret' })).use(router.routes() as never)
      },
      { routes: [router] },
    )
    for (const line of ['GET /v1/users', 'POST /v1/users', 'GET /v1/about', 'POST /v1/users', 'GET /scan']) {
      await send(served.url, line)
    }
    expect(countedBy(served)).toEqual([
      'GET /v1/users 401',
      'POST /v1/users 401',
      'GET /v1/:page 401',
      'POST /v1/users 429',
      'GET (unmatched) 429',
    ])
  })

  test('in a mounted app, also when the middleware is inside it', async () => {
    const router = new Router()
    router.get('/users/:id', answer as never)
    const refuse: Koa.Middleware = (ctx) => ctx.throw(401)
    await using served = await serveApp(
      (app, analytics) => {
        app.middleware.length = 0
        app.use(mount('/api', appOf(analytics, refuse, router.routes() as never)))
      },
      { routes: [{ prefix: '/api/', router: router.routes() as never }] },
    )
    await send(served.url, 'GET /api/users/5')
    expect(countedBy(served)).toEqual(['GET /api/users/:id 401'])
  })

  test('of a router with a host', async () => {
    const router = new Router({ host: 'api.example' })
    router.get('/users/:id', answer as never)
    await using served = await serveApp((app) => app.use((ctx) => ctx.throw(401)), { routes: [router] })
    await send(served.url, 'GET /users/5', { 'x-api-key': 'key', host: 'api.example' })
    await send(served.url, 'GET /users/5')
    expect(countedBy(served)).toEqual(['GET /users/:id 401', 'GET (unmatched) 401'])
  })

  test('of a router that runs only one of its routes', async () => {
    const routers = [true, 'specificity'].map((exclusive) => {
      const router = new Router({ prefix: `/${exclusive}`, exclusive })
      return router.get('/users', answer as never).get('/:page', answer as never)
    })
    await using served = await serveApp((app) => app.use((ctx) => ctx.throw(401)), { routes: routers })
    for (const prefix of ['true', 'specificity']) await send(served.url, `GET /${prefix}/users`)
    expect(countedBy(served)).toEqual(['GET /true/:page 401', 'GET /specificity/users 401'])
  })

  test('leaves the position of a /g expression as it is', async () => {
    const router = new Router()
    router.get(/^\/x/g, answer as never)
    await using served = await serveApp(
      (app) =>
        app.use((ctx, next) => (ctx.query['key'] ? next() : ctx.throw(401))).use(router.routes() as never),
      { routes: [router] },
    )
    for (const line of ['GET /x', 'GET /x?key=1', 'GET /x', 'GET /x']) await send(served.url, line)
    expect(countedBy(served)).toEqual([
      'GET /^\\/x/g 401',
      'GET /^\\/x/g 200',
      'GET /^\\/x/g 401',
      'GET /^\\/x/g 401',
    ])
  })
})

describe('WebSockets', () => {
  test('a connection of koa-websocket counts once, as 101', async () => {
    const app = websockify(new Koa())
    const router = new Router()
    router.get('/chat/:room', ((ctx: Koa.Context & { websocket: WebSocket }) =>
      ctx.websocket.send('hello')) as never)
    await using served = await serveApp((_app, analytics) => {
      app.ws.use(analytics)
      app.ws.use(router.routes() as never)
      app.ws.use(
        route.all('/news/:topic', (ctx: Koa.Context & { websocket: WebSocket }) => ctx.websocket.send('new')),
      )
      app.ws.use(() => {
        throw new Error('no')
      })
    })
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    for (const path of ['/chat/5', '/news/7', '/broken']) {
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
      const socket = new WebSocket(url, { headers: { 'x-api-key': 'a-key-of-more-than-20-characters' } })
      await once(socket, path === '/broken' ? 'open' : 'message')
      socket.terminate()
      await once(socket, 'close')
    }
    await until(() => served.counted.length === 3)
    server.close()
    expect(countedBy(served)).toEqual(['GET /chat/:room 101', 'GET /news/:topic 101', 'GET (unmatched) 101'])
    expect(served.errors).toEqual([])
  })

  test('a connection that a handler takes over counts once, as 101', async () => {
    const sockets = new WebSocketServer({ noServer: true })
    await using served = await serveApp((app) =>
      app.use((ctx) => {
        setEndpoint(ctx, '/socket')
        ctx.respond = false
        sockets.handleUpgrade(ctx.req, ctx.req.socket, Buffer.alloc(0), (socket) => socket.send('hello'))
      }),
    )
    const socket = new WebSocket(`${served.url.replace('http', 'ws')}/socket`, {
      headers: { 'x-api-key': 'key' },
    })
    await once(socket, 'message')
    socket.close()
    await until(() => served.counted.length === 1)
    expect(countedBy(served)).toEqual(['GET /socket 101'])
  })
})

describe('with ctx.respond = false', () => {
  const own = (respond: (ctx: Koa.Context) => unknown): Koa.Middleware => {
    const router = new Router()
    router.get('/own/:id', (ctx) => {
      ctx.respond = false
      return respond(ctx) as never
    })
    return router.routes() as never
  }

  test.each<[string, (ctx: Koa.Context) => void, number]>([
    ['at once', ({ res }) => void res.writeHead(202).end('x'), 202],
    ['later', ({ res }) => void setTimeout(() => res.writeHead(201).end('x'), 30), 201],
    ['without a head of its own', ({ res }) => void setTimeout(() => res.end('x'), 10), 404],
  ])(
    'a response that the app ends %s counts when it has ended, with its status',
    async (_name, respond, status) => {
      await using served = await serveApp((app) => app.use(own(respond)))
      expect(await send(served.url, 'GET /own/5')).toBe(status)
      await until(() => served.counted.length > 0)
      expect(countedBy(served)).toEqual([`GET /own/:id ${status}`])
    },
  )

  test.each<[string, (ctx: Koa.Context) => void, number]>([
    ['began', ({ res }) => void res.writeHead(200).write('x'), 200],
    ['did not begin', () => {}, 499],
  ])('a response that %s and whose client goes away counts once', async (_name, respond, status) => {
    const started = Promise.withResolvers<void>()
    await using served = await serveApp((app) =>
      app.use(
        own((ctx) => {
          respond(ctx)
          started.resolve()
        }),
      ),
    )
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
    socket.write('GET /own/5 HTTP/1.1\r\nHost: x\r\nX-API-Key: key\r\n\r\n')
    await started.promise
    await new Promise(setImmediate)
    expect(served.counted).toEqual([])
    socket.destroy()
    await until(() => served.counted.length > 0)
    expect(countedBy(served)).toEqual([`GET /own/:id ${status}`])
  })

  test('a response whose client went away while the handler ran counts once', async () => {
    const started = Promise.withResolvers<void>()
    await using served = await serveApp((app) =>
      app.use(
        own(async (ctx) => {
          started.resolve()
          await once(ctx.res, 'close')
        }),
      ),
    )
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
    socket.write('GET /own/5 HTTP/1.1\r\nHost: x\r\nX-API-Key: key\r\n\r\n')
    await started.promise
    socket.destroy()
    await until(() => served.counted.length > 0)
    expect(countedBy(served)).toEqual(['GET /own/:id 499'])
  })

  test('a handler that throws counts what Koa answers', async () => {
    await using served = await serveApp((app) => app.use(own((ctx) => ctx.throw(409))))
    expect(await send(served.url, 'GET /own/5')).toBe(409)
    expect(countedBy(served)).toEqual(['GET /own/:id 409'])
  })

  test('each request leaves one listener on its response, and none on its socket', async () => {
    const listeners: number[] = []
    await using served = await serveApp((app) => {
      app.use(async (ctx, next) => {
        await next()
        ctx.respond = false
        const before = ctx.res.listenerCount('close') + ctx.req.socket.listenerCount('close')
        setImmediate(() => {
          listeners.push(ctx.res.listenerCount('close') + ctx.req.socket.listenerCount('close') - before)
          ctx.res.end('x')
        })
      })
    })
    for (let index = 0; index < 3; index += 1) await send(served.url, 'GET /x')
    expect(listeners).toEqual([1, 1, 1])
  })
})

describe('the context of the app', () => {
  test('has the router as before, for urls and for what the app itself puts there', async () => {
    const router = new Router()
    router.get('user', '/users/:id', (ctx) => {
      ctx.body = [ctx.router.url('user', 7), 'router' in ctx, ctx._matchedRouteName, ctx.routerPath]
    })
    let context: Koa.DefaultContext = {}
    await using served = await serveApp((app) => {
      context = app.context
      app.use((ctx, next) => {
        ctx.set('x-before', `${String(ctx['router'])} ${String(ctx['routePath'])}`)
        return next()
      })
      app.use(router.routes() as never)
    })
    for (const [name, path] of [
      ['first', undefined],
      ['second', '/third'],
    ]) {
      // the second time on a context that is observed
      context['router'] = name
      context['routePath'] = path
      const response = await fetch(`${served.url}/users/5`, { headers: { 'x-api-key': 'key' } })
      expect(response.headers.get('x-before')).toBe(`${name} ${path}`)
      expect(await response.json()).toEqual(['/users/7', true, 'user', '/users/:id'])
      expect(countedBy(served)).toEqual(['GET /users/:id 200'])
    }
    expect(served.errors).toEqual([])
  })

  test('keeps an accessor that the app has put there, and frozen contexts work', async () => {
    for (const prepare of [
      (context: object) => Object.defineProperty(context, 'router', { get: () => 'mine', set: () => {} }),
      (context: object) => Object.defineProperty(context, 'router', { value: undefined, writable: true }),
      (context: object) => Object.preventExtensions(context),
    ]) {
      const router = new Router()
      router.get('/users/:id', answer as never)
      await using served = await serveApp((app) => {
        prepare(app.context)
        app.use(router.routes() as never)
      })
      expect(await send(served.url, 'GET /users/5')).toBe(200)
      expect(countedBy(served)).toEqual(['GET /users/:id 200'])
      expect(served.errors).toEqual([])
    }
  })

  test('handlers keep their names and properties', async () => {
    const router = new Router()
    const handler = Object.assign(
      function listUsers(ctx: Koa.Context) {
        ctx.body = 'ok'
      },
      { meta: { summary: 'Lists' } },
    )
    router.get('/users', handler as never)
    await using served = await serveApp((app) => app.use(router.routes() as never))
    await send(served.url, 'GET /users')
    const [first] = router.stack[0]!.stack
    expect([first!.name, (first as unknown as typeof handler).meta]).toEqual([
      'listUsers',
      { summary: 'Lists' },
    ])
  })

  test('is observed by the first of two copies of this package only', async () => {
    await using other = await serveApp(() => {})
    const router = new Router()
    router
      .get('/users', answer as never)
      .post('/users', answer as never)
      .get('/:page', answer as never)
    await using served = await serveApp((app) => app.use(other.analytics).use(router.routes() as never))
    await send(served.url, 'GET /users')
    await send(other.url, 'GET /users')
    expect(countedBy(served)).toEqual(['GET /users 200'])
  })

  test('a middleware inside a router counts, from its first request on', async () => {
    await using served = await serveApp((app, analytics) => {
      app.middleware.length = 0
      const router = new Router()
      router.use(analytics as never)
      router
        .get('/users', answer as never)
        .post('/users', answer as never)
        .get('/:page', answer as never)
      app.use(router.routes() as never)
    })
    for (const line of ['GET /users', 'POST /users', 'GET /users', 'GET /x']) await send(served.url, line)
    expect(countedBy(served)).toEqual([
      'GET /users 200',
      'POST /users 200',
      'GET /users 200',
      'GET /:page 200',
    ])
  })
})
