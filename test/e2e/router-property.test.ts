import { request, type RequestListener } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import type { Router as KoaRouter } from '@koa/router'
import Koa from 'koa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listRoutes } from '../../src/routes/list-routes.ts'
import { KnownKeys } from '../../src/capture/key/known-keys.ts'
import type { Operation } from '../../src/model/operation.ts'
import { takesMethod } from '../../src/model/route.ts'
import type { MountedRouter } from '../../src/options/options.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { listen, type Listening } from '../support/apps/listen.ts'
import { makeMiddleware } from '../support/apps/make-middleware.ts'
import { ROUTER_VERSIONS, type RouterVersion } from '../support/apps/router-versions.ts'
import { searchRuns } from '../support/search-runs.ts'
import { mount } from '../support/apps/serve-app.ts'

/** What a handler does: it passes on, answers, or both; some throw, some set only a status. */
const BEHAVIOURS = [
  'answer',
  'status',
  'throw',
  'pass',
  'wait',
  'answer and pass',
  'status and pass',
] as const
type Behaviour = (typeof BEHAVIOURS)[number]

interface RouteSpec {
  readonly kind: 'route'
  readonly methods: readonly string[]
  readonly paths: readonly (string | RegExp)[]
  readonly behaviour: Behaviour
  readonly handlers: 1 | 2
}
interface UseSpec {
  readonly kind: 'use'
  readonly path: string | undefined
  readonly behaviour: Behaviour
}
interface NestSpec {
  readonly kind: 'nest'
  readonly prefixes: readonly string[]
  readonly router: RouterSpec
}
interface RouterSpec {
  readonly prefix: string | undefined
  readonly param: boolean
  /** From version 11 on. */
  readonly exclusive: boolean
  readonly items: readonly (RouteSpec | UseSpec | NestSpec)[]
}
interface AppSpec {
  readonly parts: readonly {
    readonly prefix: string | undefined
    readonly routers: readonly RouterSpec[]
    /** The router of the first spec once more. */
    readonly twice: boolean
  }[]
}

const EVERYTHING = '(everything)'
const PATHS = [
  '/',
  '/users',
  '/users/me',
  '/users/:id',
  '/:page',
  '/:page/:id',
  EVERYTHING,
  /^\/users/,
  /me$/i,
] as const
const REQUESTS = [
  '/',
  '/users',
  '/users/me',
  '/api/users',
  '/api/users/me',
  '/api',
  '/api/v1/users',
  '/v1/users',
]

const pathOf = fc.constantFrom(...PATHS)
// from version 14 on a RegExp in an array is refused
const textOf = fc.constantFrom(...PATHS.filter((path) => typeof path === 'string'))
const behaviourOf = fc.constantFrom(...BEHAVIOURS)
const prefixOf = fc.constantFrom(undefined, '/api', '/v1', '/:tenant')
const route = fc.record({
  kind: fc.constant('route' as const),
  methods: fc.constantFrom(['get'], ['post'], ['get', 'post'], ['all'], ['delete']),
  paths: fc.oneof(
    { weight: 4, arbitrary: pathOf.map((path) => [path]) },
    { weight: 1, arbitrary: fc.uniqueArray(textOf, { minLength: 2, maxLength: 3 }) },
  ),
  behaviour: behaviourOf,
  handlers: fc.constantFrom(1 as const, 2 as const),
})
const use = fc.record({
  kind: fc.constant('use' as const),
  path: fc.constantFrom(undefined, undefined, '/users'),
  behaviour: behaviourOf,
})
const routerOf = (depth: number): fc.Arbitrary<RouterSpec> =>
  fc.record({
    prefix: prefixOf,
    param: fc.boolean(),
    exclusive: fc.boolean().map((one) => one && depth === 2),
    items: fc.array(
      depth === 0
        ? fc.oneof({ weight: 3, arbitrary: route }, { weight: 1, arbitrary: use })
        : fc.oneof(
            { weight: 4, arbitrary: route },
            { weight: 1, arbitrary: use },
            {
              weight: 1,
              arbitrary: fc.record({
                kind: fc.constant('nest' as const),
                prefixes: fc.constantFrom([''], ['/api'], ['/users'], ['/api', '/v1']),
                router: routerOf(depth - 1),
              }),
            },
          ),
      { minLength: 1, maxLength: 5 },
    ),
  })
const appSpec: fc.Arbitrary<AppSpec> = fc.record({
  parts: fc.array(
    fc.record({
      prefix: fc.constantFrom(undefined, undefined, '/api'),
      routers: fc.array(routerOf(2), { minLength: 1, maxLength: 2 }),
      twice: fc.boolean(),
    }),
    { minLength: 1, maxLength: 2 },
  ),
})
const requests = fc.array(
  fc.record({
    method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD', 'DELETE', 'OPTIONS'),
    path: fc.constantFrom(...REQUESTS),
  }),
  { minLength: 1, maxLength: 6 },
)

interface Layer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
  readonly regexp: RegExp
  readonly stack: readonly unknown[]
}

/** What one handler reports of itself. */
interface Step {
  readonly kind: 'route' | 'use'
  readonly behaviour: Behaviour
  /** Its own pattern; of a middleware those of the routes behind it, which it may keep from running. */
  readonly patterns: readonly string[]
  /** What it sees of the context. */
  readonly seen: string
}

/** An app whose handlers report what they are and what they see. */
class ReportingApp {
  readonly app = new Koa()
  readonly #version: RouterVersion
  /** The option `routes` for this app. */
  readonly routers: (MountedRouter | KoaRouter)[] = []
  #steps: Step[] = []
  /** The layers of each router below its koa-mount, as they are before the first request. */
  readonly #stacks: { readonly prefix: string; readonly layers: readonly Layer[] }[] = []
  /** The layers of each handler, and the stacks that hold them. */
  readonly #layers = new Map<unknown, { readonly layer: Layer; readonly stack: readonly Layer[] }[]>()

  constructor(version: RouterVersion, { parts }: AppSpec, before: readonly Koa.Middleware[] = []) {
    this.#version = version
    this.app.silent = true
    for (const middleware of before) this.app.use(middleware)
    for (const { prefix, routers, twice } of parts) {
      const built = routers.map((one) => this.#build(one))
      for (const { stack } of built) this.#noteLayers(prefix ?? '', stack)
      this.routers.push(...(prefix === undefined ? built : built.map((router) => ({ prefix, router }))))
      const dispatches = (twice ? [...built, built[0]!] : built).map(
        (one) => one.routes() as unknown as Koa.Middleware,
      )
      const noted = dispatches.flatMap((one) => [this.#notePath(), one])
      for (const one of prefix === undefined ? noted : [mountAt(prefix, noted)]) this.app.use(one)
    }
  }

  /** What has run since the last call. */
  takeSteps(): Step[] {
    const steps = this.#steps
    this.#steps = []
    return steps
  }

  /** The routes that match the path of a request, whatever their method. */
  listNear(path: string): string[] {
    return this.#stacks.flatMap(({ prefix, layers }) => {
      if (!`${path}/`.startsWith(`${prefix}/`)) return []
      const rest = path.slice(prefix.length) || '/'
      const routes = layers.filter((layer) => layer.methods.length > 0 && matches(layer, rest))
      return routes.map((layer) => join(prefix, layer.path))
    })
  }

  #build({ prefix, param, exclusive, items }: RouterSpec): KoaRouter {
    const router: KoaRouter = new this.#version.Router({ ...(prefix && { prefix }), exclusive })
    for (const item of items) {
      if (item.kind === 'nest') this.#nest(router, item)
      else if (item.kind === 'use')
        router.use(...([item.path, this.#handle('use', item.behaviour)].filter(Boolean) as [never]))
      else this.#route(router, item)
    }
    if (param) router.param('id', (_id, _ctx, next) => next())
    return router
  }

  #nest(router: KoaRouter, { prefixes, router: inner }: NestSpec): void {
    const routes = this.#build(inner).routes()
    for (const prefix of prefixes) router.use(...((prefix ? [prefix, routes] : [routes]) as [never]))
  }

  #route(router: KoaRouter, { methods, paths, behaviour, handlers }: RouteSpec): void {
    const pass: Koa.Middleware = (_ctx, next) => next()
    const own = paths.map((path) => (path === EVERYTHING ? this.#version.everything : path))
    const all = [...(handlers === 2 ? [pass] : []), this.#handle('route', behaviour)]
    for (const method of methods) {
      const add = (router as unknown as Record<string, (...given: unknown[]) => void>)[method]!
      add.call(router, own.length === 1 ? own[0] : own, ...all)
    }
  }

  #noteLayers(prefix: string, stack: readonly Layer[]): void {
    this.#stacks.push({ prefix, layers: [...stack] })
    for (const layer of stack) {
      for (const handler of layer.stack) {
        this.#layers.set(handler, [...(this.#layers.get(handler) ?? []), { layer, stack: [...stack] }])
      }
    }
  }

  /** Notes the path by which the next router goes. */
  #notePath(): Koa.Middleware {
    return (ctx, next) => {
      // versions 9 to 11 take the pattern of the route before for the path, which may be a RegExp
      ctx.state.path = String((this.#version.readsRouterPath && ctx.routerPath) || ctx.path)
      return next()
    }
  }

  #handle(kind: Step['kind'], behaviour: Behaviour): Koa.Middleware {
    const handler: Koa.Middleware = async (ctx, next) => {
      const patterns =
        kind === 'route' ? [this.#ownPattern(handler, ctx)] : this.#patternsBehind(handler, ctx)
      this.#steps.push({ kind, behaviour, patterns, seen: readSeen(ctx) })
      if (behaviour === 'throw') ctx.throw(418)
      if (behaviour.startsWith('answer')) ctx.body = `answer ${this.#steps.length}`
      if (behaviour.startsWith('status')) ctx.status = ctx.status === 202 ? 203 : 202
      if (behaviour === 'wait') await new Promise(setImmediate)
      if (behaviour === 'wait' || behaviour.endsWith('pass')) await next()
    }
    return handler
  }

  /** From version 9 on the router says it in `ctx.routerPath`; before, the layers that match run in their order. */
  #ownPattern(handler: unknown, ctx: Koa.Context): string {
    const layers = this.#layers.get(handler)!.map(({ layer }) => layer)
    if (ctx.routerPath !== undefined) {
      const own = layers.find(({ path }) => path === ctx.routerPath)
      return join(prefixOfMount(ctx), own!.path)
    }
    const runs = (ctx.state.runs ??= new Map()) as Map<unknown, number>
    const run = runs.get(handler) ?? 0
    runs.set(handler, run + 1)
    const own = layers.filter((layer) => serves(layer, ctx))
    return join(prefixOfMount(ctx), own[run % own.length]!.path)
  }

  #patternsBehind(handler: unknown, ctx: Koa.Context): string[] {
    return this.#layers
      .get(handler)!
      .filter(({ layer }) => matches(layer, ctx.state.path as string))
      .flatMap(({ layer, stack }) => stack.slice(stack.indexOf(layer) + 1))
      .filter((layer) => serves(layer, ctx))
      .map(({ path }) => join(prefixOfMount(ctx), path))
  }
}

const matches = ({ regexp }: Layer, path: string) => path.search(regexp) >= 0
const serves = (layer: Layer, ctx: Koa.Context) =>
  layer.methods.includes(ctx.method) && matches(layer, ctx.state.path as string)
const prefixOfMount = (ctx: Koa.Context) => String(ctx.state.prefix ?? '')
const join = (prefix: string, path: string | RegExp) =>
  prefix + (String(path) === '/' || String(path) === '' ? (prefix ? '' : '/') : String(path))
/** What a handler may use of what routers leave. */
const readSeen = (ctx: Koa.Context) =>
  JSON.stringify([
    ctx.path,
    ctx.params,
    ctx.captures,
    ctx.routerPath,
    ctx._matchedRoute,
    ctx.routerName,
    ctx.matched?.length,
    typeof ctx.router?.url,
  ])

/** koa-mount, with its prefix in `ctx.state` only while the mounted middleware runs. */
function mountAt(prefix: string, middlewares: readonly Koa.Middleware[]): Koa.Middleware {
  const set =
    (to: string): Koa.Middleware =>
    (ctx, next) => {
      ctx.state.prefix = to
      return next()
    }
  const inner = new Koa()
  for (const one of [set(prefix), ...middlewares, set('')]) inner.use(one)
  return mount(prefix, inner)
}

/** The endpoints that are right for what has run. `hasFailed`: the router itself has thrown, as version 9 can. */
function expectEndpoints(
  steps: readonly Step[],
  near: readonly string[],
  hasFailed: boolean,
): readonly string[] {
  const last = steps.at(-1)
  const hasThrown = hasFailed || last?.behaviour === 'throw'
  if (!last) return near.length > 0 ? near : ['(unmatched)']
  const changes = ({ behaviour }: Step) => /answer|status/.test(behaviour)
  const routes = steps.filter(({ kind }) => kind === 'route')
  const answered = routes.findLast(changes)
  if (answered && !hasThrown && !(last.kind === 'use' && changes(last))) return answered.patterns
  if (last.kind === 'use' && last.patterns.length > 0) return last.patterns
  return routes.at(-1)?.patterns ?? near
}

/** Some routers cannot be built: version 15 refuses `use` in a nested router below a parameter. */
function build(version: RouterVersion, spec: AppSpec): ReportingApp {
  try {
    return new ReportingApp(version, spec)
  } catch (error) {
    if (error instanceof TypeError && /pathToRegexpError/.test(error.message)) fc.pre(false)
    throw error
  }
}

/** `ran`: a route has run, so one with this method is there. */
function isOf(registered: Operation, { endpoint, method }: Operation, ran: boolean): boolean {
  return registered.endpoint === endpoint && (!ran || takesMethod(registered.method, method))
}

let listener: RequestListener
let server: Listening

beforeAll(async () => {
  server = await listen((req, res) => listener(req, res))
})

afterAll(() => server.close())

async function send(app: Koa, method: string, path: string): Promise<string> {
  listener = app.callback()
  const [response] = await once(
    request(server.url + path, { method, headers: { 'x-api-key': 'a key' } }).end(),
    'response',
  )
  return `${response.statusCode} ${await text(response)}`
}

describe.each(Object.entries(ROUTER_VERSIONS))('%s', (_name, version) => {
  test('what is counted is what ran, and the app runs as without us', async () => {
    const counted: Operation[] = []
    const errors: unknown[] = []
    await fc.assert(
      fc.asyncProperty(appSpec, requests, async (spec, sent) => {
        const analytics = makeMiddleware({
          options: resolveOptions({}, {}),
          counter: { count: (_key, operation) => void counted.push(operation), addQuantity() {} },
          knownKeys: new KnownKeys(10),
          report: (error) => errors.push(error),
        })
        const plain = build(version, spec)
        const watched = new ReportingApp(version, spec, [analytics])
        const registered = listRoutes(resolveOptions({ routes: watched.routers }, {}))
        for (const { method, path } of sent) {
          const answers = [await send(plain.app, method, path), await send(watched.app, method, path)]
          expect(answers[1]).toBe(answers[0])
          const steps = watched.takeSteps()
          expect(steps).toEqual(plain.takeSteps())
          const operations = counted.splice(0)
          expect(operations).toHaveLength(1)
          const [operation] = operations
          const endpoints = [operation!.endpoint]
          expect(expectEndpoints(steps, watched.listNear(path), answers[1]!.startsWith('500'))).toContain(
            endpoints[0],
          )
          // what is registered has the names that are counted
          const ran = steps.some(({ kind }) => kind === 'route')
          if (operation!.endpoint === '(unmatched)') continue
          expect(registered.filter((one) => isOf(one, operation!, ran))).not.toEqual([])
        }
      }),
      { numRuns: searchRuns(150) },
    )
    expect(errors).toEqual([])
  })
})
