import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Router } from '@koa/router'
import Koa, { type Context } from 'koa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startAnalytics } from '../../src/analytics.ts'
import { openUsage, setApiKey, setEndpoint } from '../../src/index.ts'
import type { AnalyticsError } from '../../src/index.ts'
import type { AnalyticsOptions, KnownRouter, MountedRouter } from '../../src/options/options.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { renameOwner } from '../../src/store/keys/rename-owner.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { deprecateRoute } from '../../src/store/routes/deprecate-route.ts'
import { findDeprecatedRoutes } from '../../src/store/routes/find-deprecated-routes.ts'
import { findListedRoutes } from '../../src/store/routes/find-routes.ts'
import { findUnusedRoutes } from '../../src/store/routes/find-unused-routes.ts'
import { planPrune, runPrune } from '../../src/removal/run-prune.ts'
import { keyIdOfName } from '../../src/model/compute-key-id.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { mount } from '../support/apps/serve-app.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A Thursday, long before the other days of these tests. */
const START = Date.UTC(2026, 5, 11, 12, 10)

const answer = (ctx: Context) => {
  ctx.body = 'ok'
}
type Routes = readonly (KnownRouter | MountedRouter)[]

forEachDatabase('routes of apps', (_kind, makeUrl) => {
  const ends: (() => unknown)[] = []
  const clock = { now: START }
  let url: string
  let db: Database

  beforeEach(async () => {
    clock.now = START
    url = await makeUrl()
    db = await openDatabase(url)
    ends.push(() => db.close())
  })
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  /** An app with real routers, which flushes when told. The key of a request is in the header `x-key`, as `key:owner`. */
  async function serve(routes: Routes, options: AnalyticsOptions = {}, build?: (app: Koa) => void) {
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-routes-'))
    const errors: AnalyticsError[] = []
    const analytics = startAnalytics(
      {
        database: url,
        dataDir,
        routes,
        flushIntervalMs: HOUR_MS,
        onError: (error) => void errors.push(error),
        ...options,
      },
      () => clock.now,
    )
    const app = new Koa()
    app.silent = true
    app.use(analytics)
    app.use((ctx, next) => {
      const [id, owner] = ctx.get('x-key').split(':')
      if (id) setApiKey(ctx, { id, ...(owner && { owner }) })
      return next()
    })
    if (build) build(app)
    else for (const router of routes) app.use((router as Router).routes() as never)
    const server = app.listen(0, '127.0.0.1')
    ends.push(async () => {
      server.close()
      await analytics.close()
      rmSync(dataDir, { recursive: true })
    })
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    async function send(operation: string, key = 'one'): Promise<Response> {
      const [method = 'GET', path = operation] = operation.includes(' ') ? operation.split(' ') : ['GET']
      const headers: Record<string, string> = key ? { 'x-key': key } : {}
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })
      await response.text()
      return response
    }
    /** Stops it as a deployment does. */
    const stop = () => analytics.close()
    return { analytics, app, errors, send, stop, dataDir }
  }

  const at = (days: number, hours = 0) => START + days * DAY_MS + hours * HOUR_MS
  const nameOf = ({ method, endpoint }: { method: string; endpoint: string }) => `${method} ${endpoint}`
  const unusedAt = async (now: number, days = 90) => {
    const found = await findUnusedRoutes(db, { days }, now)
    return { ...found, routes: found.routes.map((route) => `${nameOf(route)} ${route.state}`) }
  }

  /** Lets days pass in an app that runs: it registers its routes again. */
  async function run(analytics: { flush(): Promise<void> }, untilDay: number): Promise<void> {
    while (clock.now < at(untilDay)) {
      clock.now = Math.min(clock.now + 20 * DAY_MS, at(untilDay))
      await analytics.flush()
    }
  }

  test('are registered with the first flush after the start, and once a day', async () => {
    const router = new Router({ prefix: '/v1' })
    router.get('/users', answer).post('/users', answer).all('/any', answer).get(/^\/x/, answer)
    const { analytics } = await serve([router], { release: '1.0.0' })
    await analytics.flush()
    const [first] = await findListedRoutes(db, db.dialect)
    expect((await findListedRoutes(db, db.dialect)).map(nameOf)).toEqual([
      'GET /^\\/x/',
      '* /v1/any',
      'GET /v1/users',
      'POST /v1/users',
    ])
    expect(first).toEqual({
      endpoint: '/^\\/x/',
      method: 'GET',
      firstRegisteredAt: new Date(START),
      lastRegisteredAt: new Date(START),
      firstRelease: '1.0.0',
      lastRelease: '1.0.0',
      lastCalledAt: null,
      deprecatedAt: null,
      sunsetAt: null,
      link: null,
      isCurrent: true,
    })
    const lastAfter = async (now: number) => {
      clock.now = now
      await analytics.flush()
      return (await findListedRoutes(db, db.dialect)).map((route) => route.lastRegisteredAt!.getTime())
    }
    expect(await lastAfter(at(0, 23))).toEqual([START, START, START, START])
    expect(await lastAfter(at(1))).toEqual(Array(4).fill(at(1)))
    // a clock that was set back
    expect(await lastAfter(at(-3))).toEqual(Array(4).fill(at(1)))
  })

  test('that a router gets later are registered with the next flush', async () => {
    const router = new Router()
    const { analytics } = await serve([router])
    await analytics.flush()
    expect(await findListedRoutes(db, db.dialect)).toEqual([])
    router.get('/late', answer)
    clock.now += 60_000
    await analytics.flush()
    router.get('/later', answer)
    await analytics.flush()
    expect((await findListedRoutes(db, db.dialect)).map(nameOf)).toEqual(['GET /late', 'GET /later'])
  })

  test('are not registered where they are not counted by their names', async () => {
    const router = new Router()
    router.get('/health/live', answer).get('/users', answer)
    const ignoring = await serve([router], { ignore: ['/health'] })
    const naming = await serve([new Router().get('/other', answer)], { endpoint: 'path' })
    await ignoring.analytics.flush()
    await naming.analytics.flush()
    expect((await findListedRoutes(db, db.dialect)).map(nameOf)).toEqual(['GET /users'])
  })

  test('have the names under which their requests are counted, nested, mounted and by RegExp', async () => {
    const users = new Router()
    users.get('/', answer).get('/:id', answer).delete('/:id', answer)
    const api = new Router({ prefix: '/api' })
    api
      .use('/users', users.routes())
      .get(/^\/reports/, answer)
      .all('/all', answer)
    const inner = new Router()
    inner.get('/', answer).get('/inner/:page', answer)
    const long = new Router().get(`/${'x'.repeat(600)}`, answer)
    const { analytics, send, errors } = await serve(
      [api, { prefix: '/mounted', router: inner }, long] as Routes,
      { release: '2' },
      (app) => {
        app.use(api.routes() as never).use(long.routes() as never)
        app.use(mount('/mounted', new Koa().use(inner.routes() as never)))
      },
    )
    await analytics.flush()
    const before = (await findListedRoutes(db, db.dialect)).map(nameOf)
    clock.now = at(0, 2)
    const sent = [
      'GET /api/users',
      'HEAD /api/users/5',
      'DELETE /api/users/5',
      'GET /reports',
      'PUT /api/all',
      'GET /mounted',
      'GET /mounted/inner/a',
      `GET /${'x'.repeat(600)}`,
    ]
    for (const one of sent) expect((await send(one)).status).toBe(200)
    await analytics.flush()
    const routes = await findListedRoutes(db, db.dialect)
    expect(routes.map(nameOf)).toEqual(before)
    expect(routes.filter(({ lastCalledAt }) => !lastCalledAt)).toEqual([])
    expect(routes).toHaveLength(sent.length)
    expect(
      Buffer.byteLength(routes.find(({ endpoint }) => endpoint.includes('xxx'))!.endpoint),
    ).toBeLessThanOrEqual(500)
    expect(errors).toEqual([])
  })

  test('that no key calls are found, those that nobody calls any more too, and new ones are not judged', async () => {
    const router = new Router()
    for (const path of ['/used', '/stopped', '/never', '/keyless']) router.get(path, answer)
    const { analytics, send } = await serve([router], { release: '1' })
    await analytics.flush()
    clock.now = at(1)
    for (const path of ['/used', '/stopped']) await send(path)
    await send('/keyless', '')
    await analytics.flush()
    await run(analytics, 97)
    router.get('/new', answer).get('/new-and-used', answer)
    await send('/used')
    await analytics.flush()
    clock.now = at(100)
    await send('/new-and-used')
    await analytics.flush()
    const found = await unusedAt(at(100))
    expect(found).toMatchObject({
      days: 90,
      since: new Date(Date.UTC(2026, 5, 11 + 10)),
      until: new Date(Date.UTC(2026, 5, 11 + 100)),
      completeUntil: new Date(at(100)),
      routeCount: 6,
      releases: ['1'],
      hasOther: false,
      routes: ['GET /keyless never', 'GET /never never', 'GET /stopped stopped', 'GET /new new'],
    })
    const [, , stopped] = (await findUnusedRoutes(db, { days: 90 }, at(100))).routes
    // the hour of the request
    expect(stopped!.lastCalledAt).toEqual(new Date(Math.floor(at(1) / HOUR_MS) * HOUR_MS))
    // the call of day 1 is in these days
    expect((await unusedAt(at(100), 100)).routes).toEqual([
      'GET /keyless new',
      'GET /never new',
      'GET /new new',
    ])
  })

  test('are judged only by complete days', async () => {
    const router = new Router()
    router.get('/a', answer).get('/b', answer)
    const { analytics, send, stop } = await serve([router])
    await analytics.flush()
    expect(await unusedAt(at(0, 1))).toMatchObject({
      since: null,
      until: null,
      completeUntil: null,
      routes: [],
    })
    clock.now = at(5)
    await send('/a')
    await stop()
    // the server's clock wrote it
    const delivered = `update api_key_analytics_ledger set updated_at = ${db.dialect.timeOf('$1')}`
    await db.query(delivered, [at(5)])
    // nothing was delivered for 40 days: what may wait on another machine is not known
    expect(await unusedAt(at(45), 3)).toMatchObject({
      until: new Date(Date.UTC(2026, 5, 11 + 5)),
      completeUntil: new Date(at(5)),
      routes: ['GET /b never'],
    })
    const known = await findUnusedRoutes(db, { days: 3, completeUntil: new Date(at(2)) }, at(45))
    expect(known.until).toEqual(new Date(Date.UTC(2026, 5, 11 + 2)))
  })

  test('of two releases beside each other are both current, and leave with the last process that has them', async () => {
    const old = new Router()
    old.get('/both', answer).get('/old', answer)
    const next = new Router()
    next.get('/both', answer).get('/next', answer)
    const first = await serve([old], { release: '1' })
    await first.analytics.flush()
    clock.now = at(10)
    const second = await serve([next], { release: '2' })
    await second.analytics.flush()
    await second.send('/both')
    await first.analytics.flush()
    await second.analytics.flush()
    expect(await unusedAt(at(10, 13), 2)).toMatchObject({
      routeCount: 3,
      routes: ['GET /old never', 'GET /next new'],
    })
    const rows = await findListedRoutes(db, db.dialect)
    expect(rows.map(({ firstRelease, lastRelease }) => `${firstRelease} ${lastRelease}`)).toEqual([
      expect.stringMatching(/^1 [12]$/),
      '2 2',
      '1 1',
    ])
    await first.stop()
    for (const day of [11, 12, 13]) {
      clock.now = at(day)
      await second.send('/both')
      await second.analytics.flush()
    }
    const after = await unusedAt(at(13), 2)
    expect(after).toMatchObject({ routeCount: 2, releases: ['2'], routes: ['GET /next never'] })
    // the old one is still listed, as gone, and a release that has it again begins anew after a long gap
    expect(
      (await findListedRoutes(db, db.dialect)).map((route) => `${nameOf(route)} ${route.isCurrent}`),
    ).toEqual(['GET /both true', 'GET /next true', 'GET /old false'])
    clock.now = at(50)
    const third = await serve([old], { release: '3' })
    await third.analytics.flush()
    expect(
      (await findListedRoutes(db, db.dialect)).find(({ endpoint }) => endpoint === '/old'),
    ).toMatchObject({
      firstRegisteredAt: new Date(at(50)),
      firstRelease: '3',
    })
  })

  test('of a process whose clock is ahead do not make the others look gone', async () => {
    const ahead = await serve([new Router().get('/ahead', answer)])
    const right = await serve([new Router().get('/right', answer)])
    clock.now = at(40)
    await ahead.analytics.flush()
    clock.now = at(1)
    await right.analytics.flush()
    const listed = await findListedRoutes(db, db.dialect, at(1))
    expect(listed.map((route) => `${nameOf(route)} ${route.isCurrent}`)).toEqual([
      'GET /ahead true',
      'GET /right true',
    ])
  })

  test('that many processes register at once are there once', async () => {
    const router = new Router()
    for (let n = 0; n < 50; n += 1) router.get(`/r${n}`, answer)
    const apps = await Promise.all(Array.from({ length: 8 }, () => serve([router])))
    for (const { send } of apps) await Promise.all([1, 7, 31].map((n) => send(`/r${n}`)))
    await Promise.all(apps.map(({ analytics }) => analytics.flush()))
    expect(apps.flatMap(({ errors }) => errors)).toEqual([])
    const routes = await findListedRoutes(db, db.dialect)
    expect(routes).toHaveLength(50)
    expect(routes.filter(({ lastCalledAt }) => lastCalledAt).map(nameOf)).toEqual([
      'GET /r1',
      'GET /r31',
      'GET /r7',
    ])
  })

  test('say when they may hide under (other)', async () => {
    const router = new Router()
    router.get('/a', answer).get('/b', answer)
    const { analytics, send } = await serve([router], { maxEndpointsPerKey: 1 })
    await analytics.flush()
    clock.now = at(3)
    await send('/a')
    await send('/b')
    await analytics.flush()
    expect(await unusedAt(at(4), 1)).toMatchObject({ hasOther: true, routes: ['GET /b never'] })
    clock.now = at(8)
    await send('/a')
    await analytics.flush()
    expect(await unusedAt(at(8), 2)).toMatchObject({ hasOther: false })
    expect((await findListedRoutes(db, db.dialect)).map(nameOf)).toEqual(['GET /a', 'GET /b'])
  })

  test('keep their last call when older counts come late, and when usage is pruned', async () => {
    const router = new Router().get('/a', answer)
    const { analytics, send } = await serve([router])
    const late = await serve([router])
    await analytics.flush()
    const lastCall = async () => (await findListedRoutes(db, db.dialect))[0]!.lastCalledAt?.getTime()
    const hour = (time: number) => Math.floor(time / HOUR_MS) * HOUR_MS
    clock.now = at(1)
    await late.send('/a')
    clock.now = at(2)
    await send('/a')
    await analytics.flush()
    expect(await lastCall()).toBe(hour(at(2)))
    await late.analytics.flush()
    expect(await lastCall()).toBe(hour(at(2)))
    clock.now = at(2, 1)
    await send('/a')
    await analytics.flush()
    expect(await lastCall()).toBe(hour(at(2, 1)))
    const plan = await planPrune(db, { before: minute(at(30)) }, noSecret, new Date(at(30)))
    await runPrune(db, plan, NO_BAR, new AbortController().signal)
    clock.now = at(3)
    await analytics.flush()
    // the route itself went with the prune, as no app had registered it since; the app registers it again
    expect(await lastCall()).toBeUndefined()
  })

  test('leave with a prune when no app has had them since, unless their deprecation still runs', async () => {
    const router = new Router()
    for (const path of ['/gone', '/kept', '/sunset', '/announced']) router.get(path, answer)
    const { analytics, send, stop } = await serve([router])
    await send('/kept')
    await analytics.flush()
    await stop()
    const deprecate = (endpoint: string, sunset: number | null) =>
      deprecateRoute(
        db,
        { method: 'GET', endpoint, sunset: sunset === null ? null : new Date(sunset) },
        START,
      )
    await deprecate('/sunset', at(10))
    await deprecate('/announced', at(300))
    clock.now = at(100)
    const late = await serve([new Router().get('/kept', answer)])
    await late.analytics.flush()
    const flags = { before: minute(at(50)) }
    const plan = await planPrune(db, flags, noSecret, new Date(at(100)))
    expect(plan.text).toContain('2 routes that no app has any more')
    const { text } = await runPrune(db, plan, NO_BAR, new AbortController().signal)
    expect(text).toBe('Pruned 1 row with 1 request and 2 routes that no app has any more.\n')
    expect((await findListedRoutes(db, db.dialect)).map(nameOf)).toEqual(['GET /announced', 'GET /kept'])
  })

  test('of a hostile number and length are limited, and said so once', async () => {
    const router = new Router()
    for (let n = 0; n < 10_050; n += 1)
      router.get(`/${String(n).padStart(5, '0')}/${'x'.repeat(n % 50 === 0 ? 2000 : 5)}`, answer)
    const { analytics, errors, send } = await serve([router])
    await analytics.flush()
    clock.now = at(1)
    await send('/00007/xxxxx')
    await analytics.flush()
    clock.now = at(2, 1)
    await analytics.flush()
    expect(errors.map(({ code }) => code)).toEqual(['ROUTES_LIMITED'])
    const routes = await findListedRoutes(db, db.dialect)
    expect(routes).toHaveLength(10_000)
    expect(Math.max(...routes.map(({ endpoint }) => Buffer.byteLength(endpoint)))).toBe(500)
    expect((await unusedAt(at(2, 1), 1)).routes).toHaveLength(9999)
  })

  describe('that are deprecated', () => {
    const owners = async (endpoint = '/old', now = at(31)) => {
      const routes = await findDeprecatedRoutes(db, { since: new Date(at(10)), until: new Date(at(30)) }, now)
      const route = routes.find((one) => one.endpoint === endpoint)!
      return route.callers.map(
        ({ owner, key, requests, previousRequests }) =>
          `${owner ?? key?.label ?? '?'} ${requests} ${previousRequests}`,
      )
    }

    async function call() {
      const router = new Router()
      router.get('/old', answer).all('/every', answer).get('/quiet', answer).get('/fine', answer)
      const served = await serve([router])
      clock.now = at(-5)
      for (const key of ['k1:Acme', 'k1:Acme', 'k3']) await served.send('/old', key)
      await served.analytics.flush()
      clock.now = at(12)
      for (const key of ['k1:Acme', 'k2:Acme', 'k2:Acme', 'k3', 'k4:Hooli']) await served.send('/old', key)
      await served.send('HEAD /old', 'k4:Hooli')
      await served.send('PUT /every', 'k4:Hooli')
      await served.send('/fine', 'k4:Hooli')
      await served.analytics.flush()
      for (const [method, endpoint] of [
        ['GET', '/old'],
        ['*', '/every'],
        ['GET', '/quiet'],
      ] as const)
        await deprecateRoute(db, { method, endpoint }, clock.now)
      return served
    }

    test('are listed with the customers and keys that call them, against the time before', async () => {
      await call()
      const found = await findDeprecatedRoutes(
        db,
        { since: new Date(at(10)), until: new Date(at(30)) },
        at(31),
      )
      expect(found.map((route) => [nameOf(route), route.requests, route.previousRequests])).toEqual([
        ['GET /old', 6, 3],
        ['* /every', 1, 0],
        ['GET /quiet', 0, 0],
      ])
      expect(await owners()).toEqual(['Acme 3 2', 'Hooli 2 0', 'k3 1 1'])
      expect(found[0]!.lastUsed).toEqual(new Date(Math.floor(at(12) / HOUR_MS) * HOUR_MS))
    })

    test('follow a customer that is renamed, and a key that gets another one, and forget who is forgotten', async () => {
      await call()
      await renameOwner(db, 'Hooli', 'New Hooli')
      expect(await owners()).toEqual(['Acme 3 2', 'New Hooli 2 0', 'k3 1 1'])
      await nameKey(db, keyIdOfName('k1'), { owner: 'Buyer', from: new Date(at(5)) }, at(31))
      expect(await owners()).toEqual(['Acme 2 2', 'New Hooli 2 0', 'k3 1 1', 'Buyer 1 0'])
      await forgetKey(db, keyIdOfName('k2'))
      expect(await owners()).toEqual(['New Hooli 2 0', 'k3 1 1', 'Buyer 1 0', 'Acme 0 2'])
      // the last call of a route names nobody
      expect(
        (await findListedRoutes(db, db.dialect)).find(({ endpoint }) => endpoint === '/old')!.lastCalledAt,
      ).not.toBeNull()
    })

    test('tell their clients so in headers, from the next flush on, and errors too', async () => {
      const router = new Router()
      router
        .get('/old', answer)
        .get('/fails', (ctx) => ctx.throw(409))
        .all('/every', answer)
        .get('/own', (ctx) => {
          ctx.set('Deprecation', '@1')
          ctx.set('Link', '<https://example.com/self>; rel="self"')
          ctx.body = 'ok'
        })
        .get('/fine', answer)
      const { analytics, send, errors } = await serve([router], { deprecationHeaders: true })
      await analytics.flush()
      const read = async (operation: string, key?: string) => {
        const { headers } = await send(operation, key)
        return [headers.get('deprecation'), headers.get('sunset'), headers.get('link')]
      }
      const usage = await openUsage(url)
      const since = new Date(1_688_169_599_900)
      const sunset = new Date('2027-01-01T00:00:00Z')
      const link = 'https://example.com/v2?a=1'
      for (const endpoint of ['/old', '/fails', '/own'])
        await usage.deprecateRoute({ method: 'GET', endpoint, since, sunset, link })
      await usage.deprecateRoute({ method: '*', endpoint: '/every', since })
      expect(await read('/old')).toEqual([null, null, null])
      await analytics.flush()
      const links = `<${link}>; rel="deprecation", <${link}>; rel="sunset"`
      const all = ['@1688169599', 'Fri, 01 Jan 2027 00:00:00 GMT', links]
      expect(await read('/old')).toEqual(all)
      expect(await read('HEAD /old')).toEqual(all)
      // a request without a key is not counted, and its client is told all the same
      expect(await read('/old', '')).toEqual(all)
      expect(await read('/fails')).toEqual(all)
      expect(await read('PATCH /every')).toEqual(['@1688169599', null, null])
      expect(await read('/own')).toEqual(['@1', all[1], `<https://example.com/self>; rel="self", ${links}`])
      expect(await read('/fine')).toEqual([null, null, null])
      expect(await read('POST /old')).toEqual([null, null, null])
      expect(await usage.undeprecateRoute({ method: 'GET', endpoint: '/old' })).toMatchObject({ link })
      expect(await usage.undeprecateRoute({ method: 'GET', endpoint: '/old' })).toBeUndefined()
      await usage.close()
      await analytics.flush()
      expect(await read('/old')).toEqual([null, null, null])
      expect(errors).toEqual([])
    })

    test('send no header unless the option is on, nor for what was named by the app', async () => {
      const router = new Router()
      router.get('/old', answer).get('/renamed', (ctx) => {
        setEndpoint(ctx, '/another')
        ctx.body = 'ok'
      })
      const off = await serve([router])
      const on = await serve([router], { deprecationHeaders: true })
      await off.analytics.flush()
      for (const endpoint of ['/old', '/renamed']) await deprecateRoute(db, { method: 'GET', endpoint })
      await Promise.all([off.analytics.flush(), on.analytics.flush()])
      const told = async (app: typeof on, path: string) => (await app.send(path)).headers.has('deprecation')
      expect([await told(off, '/old'), await told(on, '/old'), await told(on, '/renamed')]).toEqual([
        false,
        true,
        false,
      ])
    })

    test('must be known or called, and in order', async () => {
      const { analytics, send } = await serve([])
      analytics.addEndpointAccess({ id: 'job' }, 'POST /jobs')
      await send('/x')
      await analytics.flush()
      const refused = (deprecation: object) =>
        deprecateRoute(db, { method: 'GET', endpoint: '/jobs', ...deprecation }).then(
          () => '',
          (error: AnalyticsError) => `${error.code} ${error.message}`,
        )
      expect(await refused({})).toMatch(
        /^ARGUMENT_INVALID No app has registered GET \/jobs, and no key has called it/,
      )
      expect(await refused({ method: 'POST' })).toBe('')
      expect(await refused({ method: '' })).toMatch(/^ARGUMENT_INVALID A route is/)
      const POST = { method: 'POST' }
      expect(await refused({ ...POST, since: new Date(START), sunset: new Date(START - 1) })).toMatch(
        /^ARGUMENT_INVALID The sunset \(2026-06-11T12:09:59.999Z\) is before the deprecation/,
      )
      expect(await refused({ ...POST, sunset: new Date(Number.NaN) })).toMatch(/A date is invalid/)
      expect(await refused({ ...POST, sunset: new Date(8e15) })).toMatch(/after the year 9999/)
      for (const link of [
        'x',
        'javascript:alert(1)',
        'https://user:pw@example.com',
        `https://a.b/${'x'.repeat(1000)}`,
      ])
        expect(await refused({ ...POST, link })).toMatch(
          /^ARGUMENT_INVALID The link is no URL that can be sent/,
        )
      expect(await refused({ ...POST, link: 'https://example.com/"\r\nSet-Cookie: a=b>' })).toBe('')
      const [route] = await findListedRoutes(db, db.dialect)
      expect(route).toMatchObject({ firstRegisteredAt: null, isCurrent: false })
      expect(route!.link).toBe('https://example.com/%22Set-Cookie:%20a=b%3E')
    })
  })
})

/** A time as a flag takes it. */
const minute = (time: number) => new Date(time).toISOString().slice(0, 16)
const noSecret = { readKeyId: () => expect.fail('No key was asked for.') }
const NO_BAR = { update() {} } as never
