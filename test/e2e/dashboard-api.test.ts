import { getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net'
import { Worker } from 'node:worker_threads'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import Koa from 'koa'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { analyticsDashboard } from '../../src/dashboard/dashboard.ts'
import type { AnalyticsDashboard } from '../../src/dashboard/dashboard.ts'
import { serveDashboard } from '../../src/dashboard/serve-dashboard.ts'
import type { ServedDashboard } from '../../src/dashboard/serve-dashboard.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { listen } from '../support/apps/listen.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { serveApp } from '../support/apps/serve-app.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { send } from '../support/apps/send-request.ts'
import { replaceExport } from '../support/replace-export.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile app', owner: 'acme' })
const evil = testKey(2, '<img src=x onerror=alert(1)>')
const ROWS = [
  { key: acme, bucket: '2026-09-15T10:00Z', requests: 100 },
  { key: acme, bucket: '2026-10-01T22:00Z', requests: 1200 },
  { key: acme, bucket: '2026-10-05T09:00Z', status: 404, requests: 34 },
  { key: evil, bucket: '2026-10-05T09:00Z', endpoint: '/<b>', status: 401, requests: 5, durationUs: 9e4 },
  { key: acme, bucket: '2026-10-31T23:00Z', method: 'POST', endpoint: '/orders', status: 503, requests: 500 },
]
const OCTOBER = 'month=2026-10'

forEachDatabase('the API of the dashboard', (_kind, makeUrl) => {
  let database: string
  let dashboard: AnalyticsDashboard
  let close: () => Promise<void>
  let base: string
  const get = async (path: string) => {
    const answer = await fetch(`${base}${path}`)
    const isJson = answer.headers.get('content-type')?.startsWith('application/json')
    return { answer, json: isJson ? JSON.parse(await answer.clone().text()) : undefined }
  }

  beforeAll(async () => {
    database = await makeUrl()
    await storeUsage(database, ROWS)
    dashboard = analyticsDashboard({ authorize: () => true, database, dataDir: EMPTY_DATA_DIR })
    const server = await listen(new Koa().use(dashboard).callback())
    base = `${server.url}/usage/`
    close = async () => {
      await server.close()
      await dashboard.close()
    }
  })
  afterAll(() => close())

  test.each([
    ['', []],
    ['by=key', ['--by', 'key']],
    ['by=method,endpoint&key=Mobile%20app', ['--by', 'method,endpoint', '--key', 'Mobile app']],
    ['by=endpoint&owner=acme', ['--by', 'endpoint', '--owner', 'acme']],
    ['by=path', ['--by', 'path']],
    ['by=day&tz=Europe/Berlin', ['--by', 'day', '--tz', 'Europe/Berlin']],
    [
      'by=status&endpoint=/orders&compare=previous',
      ['--by', 'status', '--endpoint', '/orders', '--compare', 'previous'],
    ],
    ['latency=1', ['--latency']],
    ['by=key&latency=1&sort=p95', ['--by', 'key', '--latency', '--sort', 'p95']],
  ])('gives what report --json gives, for %s', async (query, flags) => {
    const { json } = await get(`api/report?${OCTOBER}&limit=1000&${query}`)
    const env = { DATABASE_URL: database, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    const cli = JSON.parse(
      (await runCli(['report', '--month', '2026-10', ...flags, '--json'], { env })).stdout,
    )
    expect(json.total.requests).toBeGreaterThan(0)
    expect(json).toEqual(cli)
  })

  test('tells over time what happened: status classes, the period before, and hours by weekday', async () => {
    const { json } = await get(`api/activity?${OCTOBER}&tz=Europe/Berlin`)
    expect(json.total.requests).toBe(1239)
    expect(json.previous).toMatchObject({ requests: 100, activeKeys: 1 })
    expect(json.series.unit).toBe('day')
    expect(json.series.steps).toHaveLength(31)
    // 22:00 UTC on the first is midnight of the second in Berlin, a Friday
    expect(json.series.steps[1]).toEqual({ start: '2026-10-01T22:00:00.000Z', statuses: [0, 1200, 0, 0, 0] })
    expect(json.heat[4][0]).toBe(1200)
    expect(json.heat[0][11]).toBe(39)
    expect(json.heat.flat().reduce((sum: number, count: number) => sum + count, 0)).toBe(1239)
  })

  test('says how many requests of the heat map have no hour of their own', async () => {
    const row = { key: acme, bucketMinutes: 1440 as const, requests: 7 }
    await storeUsage(database, [
      { ...row, bucket: '2024-02-05T00:00Z' },
      { ...row, bucket: '2024-03-01T00:00Z' },
      { key: acme, bucket: '2024-02-05T10:00Z', requests: 1 },
    ])
    const { json } = await get('api/activity?month=2024-02')
    expect(json).toMatchObject({ total: { requests: 8 }, wholeDayAmount: 7 })
    expect((await get('api/activity?month=2024-02&status=4xx')).json.wholeDayAmount).toBe(0)
  })

  test('pages through days from the newest back', async () => {
    const days = async (query: string) => {
      const [section] = (await get(`api/report?${OCTOBER}&by=day&limit=1&${query}`)).json.sections
      return section.groups.map(({ day }: { day: string }) => day.slice(0, 10))
    }
    const { json } = await get(`api/report?${OCTOBER}&by=day&limit=1000`)
    const all = json.sections[0].groups.map(({ day }: { day: string }) => day.slice(0, 10))
    expect(all.length).toBeGreaterThan(1)
    expect(await days('')).toEqual([all.at(-1)])
    expect(await days('offset=1')).toEqual([all.at(-2)])
    expect(await days('sort=group&order=desc')).toEqual([all.at(-1)])
    expect(await days('sort=group&order=desc&offset=1')).toEqual([all.at(-2)])
  })

  test('pages, searches and orders a list, and counts what fits', async () => {
    const labels = async (query: string) => {
      const [section] = (await get(`api/report?${OCTOBER}&by=key&${query}`)).json.sections
      return [section.groupCount, ...section.groups.map(({ key }: { key: { label: string } }) => key.label)]
    }
    expect(await labels('')).toEqual([2, acme.label, evil.label])
    expect(await labels('offset=1&limit=1')).toEqual([2, evil.label])
    expect(await labels('order=asc')).toEqual([2, evil.label, acme.label])
    expect(await labels('search=MOBILE')).toEqual([1, acme.label])
    expect(await labels('search=nobody')).toEqual([0])
  })

  test('gives a list as CSV to download', async () => {
    const { answer } = await get(`api/report?${OCTOBER}&by=method,endpoint&format=csv`)
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="usage.csv"')
    const lines = (await answer.text()).split('\r\n')
    expect(lines[0]).toMatch(/^method,endpoint,requests/)
    expect(lines[1]).toMatch(/^GET,\/users\/:id,1234,/)
    expect(lines[0]).not.toContain('p95Ms')
  })

  test('gives as CSV the durations that were asked for, the slowest first', async () => {
    const query = `${OCTOBER}&by=method,endpoint&latency=1&sort=p95&format=csv`
    const [head = '', first = ''] = (await (await get(`api/report?${query}`)).answer.text()).split('\r\n')
    expect(head).toMatch(/,measured,p50Ms,p95Ms,p99Ms$/)
    const [p50, p95, p99] = first.split(',').slice(-3).map(Number)
    expect(first).toMatch(/^GET,\/<b>,5,/)
    expect(p50).toBeCloseTo(90, -1)
    expect([p95, p99]).toEqual([p50, p50])
  })

  test('gives one key, and the account of every request', async () => {
    const { json: key } = await get(`api/key?key=${acme.id}`)
    expect(key).toEqual({
      ...acme,
      firstSeenAt: expect.any(String),
      lastUsedAt: '2026-10-31T23:00:00.000Z',
      owners: [{ since: null, until: null, owner: 'acme', setBy: 'app' }],
    })
    const { json: account } = await get('api/verify')
    expect(account).toMatchObject({ accountedFor: true, storedRequests: 1854, deliveredRequests: 1854 })
  })

  test.each([
    ['api/report?since=yesterday', 400, 'WRONG_USAGE', 'Cannot read "yesterday" as a period.'],
    ['api/report?since=1990-01-01', 400, 'WRONG_USAGE', 'at most 3700 days'],
    ['api/report?by=hour&since=2026-01-01', 400, 'WRONG_USAGE', 'at most 100 days'],
    ['api/report?by=key&limit=1001', 400, 'WRONG_USAGE', 'Use 1 to 1000.'],
    ['api/report?by=key&offset=-1', 400, 'WRONG_USAGE', 'Use 0 to 100000000.'],
    ['api/report?by=key,endpoint', 400, 'WRONG_USAGE', 'one dimension'],
    ['api/report?by=day&compare=previous', 400, 'WRONG_USAGE', 'Each day is a period of its own'],
    ['api/report?by=key&format=xml', 400, 'WRONG_USAGE', 'Cannot read format="xml". Use csv or json.'],
    ['api/report?by=key&format=csv&limit=5', 400, 'WRONG_USAGE', 'leave limit and offset out'],
    [
      'api/report?sort=name',
      400,
      'WRONG_USAGE',
      'Use requests or quantity or errors or lastUsed or group or p95.',
    ],
    ['api/report?sort=quantity', 400, 'WRONG_USAGE', 'sort=quantity needs a unit.'],
    ['api/report?unit=tokens&latency=1', 400, 'WRONG_USAGE', 'leave latency or unit out'],
    ['api/report?unit=tokens', 400, 'WRONG_USAGE', 'This database has no units'],
    ['api/activity?unit=tokens', 400, 'WRONG_USAGE', 'This database has no units'],
    ['api/customers?unit=requests', 400, 'WRONG_USAGE', 'Requests are counted without a unit'],
    ['api/report?sort=p95', 400, 'WRONG_USAGE', 'sort=p95 needs latency=1.'],
    ['api/report?latency=yes', 400, 'WRONG_USAGE', 'Cannot read latency="yes". Use 1.'],
    ['api/activity?latency=1', 400, 'WRONG_USAGE', 'Unknown parameter "latency".'],
    ['api/report?sortt=name', 400, 'WRONG_USAGE', 'Unknown parameter "sortt".'],
    ['api/report?tz=UTC&tz=UTC', 400, 'WRONG_USAGE', 'Pass tz once.'],
    ['api/report?tz=Mars', 400, 'WRONG_USAGE', 'Unknown time zone "Mars".'],
    ['api/report?key=nobody', 400, 'WRONG_USAGE', 'There is no key "nobody".'],
    ['api/report?owner=acne', 400, 'WRONG_USAGE', 'No key has the owner "acne". Did you mean acme?'],
    ['api/customers?by=key', 400, 'WRONG_USAGE', 'Unknown parameter "by".'],
    ['api/customers?sort=p95', 400, 'WRONG_USAGE', 'sort=p95 needs latency=1.'],
    ['api/constructor', 404, 'NOT_FOUND', 'There is no api/constructor.'],
    ['nothing', 404, 'NOT_FOUND', 'There is no such page.'],
    ['..%2f..%2fpackage.json', 404, 'NOT_FOUND', 'There is no such page.'],
  ])('answers %s with %i and says what is wrong', async (path, status, code, message) => {
    const { answer, json } = await get(path)
    expect(answer.status).toBe(status)
    expect(json.error).toEqual({ code, message: expect.stringContaining(message) })
  })

  test('changes nothing: every method but GET and HEAD is refused', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(`${base}api/report`, { method })
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD'])
    }
  })

  test('answers 304 to a browser that has the answer, and lets nothing in between keep it', async () => {
    const path = `${base}api/report?${OCTOBER}&by=status`
    const first = await fetch(path)
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    const second = await fetch(path, {
      headers: { 'If-None-Match': first.headers.get('etag')!, 'Cache-Control': 'max-age=0' },
    })
    expect(second.status).toBe(304)
  })

  test('sends every answer with headers that forbid foreign code, frames and guesses of types', async () => {
    for (const path of ['', 'page.js', 'api/report', 'api/none']) {
      const { headers } = await fetch(`${base}${path}`)
      const policy = headers.get('content-security-policy')
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  test('leads from the prefix to the folder of the page, with the view that was asked for', async () => {
    const answer = await fetch(`${base.slice(0, -1)}?since=7d`, { redirect: 'manual' })
    expect(answer.headers.get('location')).toBe('./usage/?since=7d')
  })
})

describe('a dashboard mounted in an app', () => {
  const mounted = async (authorize: Parameters<typeof analyticsDashboard>[0]['authorize']) => {
    const dashboard = analyticsDashboard({
      authorize,
      database: 'sqlite:/nowhere/usage.db',
      prefix: '/usage',
    })
    const app = await serveApp((koa) => {
      koa.use(dashboard).use((ctx) => {
        ctx.body = 'app'
      })
    })
    return {
      app,
      async [Symbol.asyncDispose]() {
        await app[Symbol.asyncDispose]()
        await dashboard.close()
      },
    }
  }
  const headers = { 'x-api-key': 'some-secret-key-of-an-app' }

  test('is not counted itself, and the app around it is', async () => {
    await using served = await mounted(() => true)
    for (const path of ['/usage', '/usage/', '/usage/api/report', '/usage/none']) {
      await fetch(served.app.url + path, { headers })
    }
    await fetch(`${served.app.url}/usages`, { headers })
    expect(served.app.counted.map(({ status }) => status)).toEqual([200])
  })

  test('shows nothing to whom authorize does not let in', async () => {
    await using served = await mounted(async (ctx) => ctx.get('x-role') === 'admin')
    for (const path of ['/usage/', '/usage/page.js', '/usage/api/report']) {
      const answer = await fetch(served.app.url + path)
      expect([path, answer.status, await answer.json()]).toMatchObject([
        path,
        401,
        { error: { code: 'UNAUTHORIZED' } },
      ])
    }
    const allowed = await fetch(`${served.app.url}/usage/page.css`, { headers: { 'x-role': 'admin' } })
    expect(allowed.status).toBe(200)
  })

  test('leaves the answer to authorize when it gives one, such as a way to the login', async () => {
    await using served = await mounted((ctx) => {
      ctx.redirect('/login')
      return false
    })
    const answer = await fetch(`${served.app.url}/usage/`, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/login'])
  })

  test('knows its names however they are written', async () => {
    const dashboard = analyticsDashboard({
      authorize: () => true,
      hosts: ['API.example.com'],
      database: 'sqlite:/nowhere',
    })
    await using app = await serveApp((koa) => koa.use(dashboard))
    for (const [host, status] of [
      ['api.EXAMPLE.com', 200],
      ['example.com', 403],
    ] as const)
      expect(await send(app.url, 'GET /usage/', { host })).toBe(status)
    await dashboard.close()
  })

  test('looks servers up as the app has set', async () => {
    let started: unknown
    const putBack = replaceExport(
      'node:worker_threads',
      'Worker',
      class extends Worker {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          super(...args)
          started = args[1]?.workerData
        }
      },
    )
    onTestFinished(putBack)
    const attemptMs = getDefaultAutoSelectFamilyAttemptTimeout()
    setDefaultAutoSelectFamilyAttemptTimeout(4321)
    onTestFinished(() => setDefaultAutoSelectFamilyAttemptTimeout(attemptMs))
    await using served = await mounted(() => true)
    await fetch(`${served.app.url}/usage/api/report`)
    expect(started).toMatchObject({ network: { autoSelectFamilyAttemptTimeoutMs: 4321 } })
  })

  test('says what to do while there is no database, and goes on serving', async () => {
    await using served = await mounted(() => true)
    const answer = await fetch(`${served.app.url}/usage/api/report`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ error: { code: 'DATABASE_NOT_FOUND' } })
  })

  test.each<[object, string]>([
    [{}, 'needs authorize'],
    [{ authorize: () => true, prefix: 'usage/' }, 'The prefix is "usage/"'],
    [{ authorize: () => true, database: 'mysql://x' }, 'The databases are SQLite and PostgreSQL'],
  ])('refuses wrong options at once: %o', (options, message) => {
    expect(() => analyticsDashboard(options as never)).toThrow(message)
  })
})

describe('the dashboard of one person', () => {
  let served: ServedDashboard
  let origin: string
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<IncomingMessage>((resolve, reject) => {
      request(new URL(path, origin), { headers, method }, resolve).on('error', reject).end()
    })

  beforeAll(async () => {
    served = await serveDashboard({ port: 0, database: 'sqlite:/nowhere/usage.db', dataDir: '/nowhere' })
    origin = new URL(served.url).origin
  })
  afterAll(() => served.close())

  test('listens on loopback only', () => {
    expect(new URL(served.url).hostname).toBe('127.0.0.1')
  })

  test('gives no data and no page without the token', async () => {
    for (const path of ['/', '/api/report', '/page.js', '/?token=wrong', '/api/report?token=']) {
      const answer = await ask(path, { cookie: `apikey-analytics-${new URL(origin).port}=wrong` })
      expect([path, answer.statusCode]).toEqual([path, 401])
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(await text(answer)).toContain('UNAUTHORIZED')
    }
  })

  test('answers only to its own names, so that a foreign site cannot rebind to it', async () => {
    for (const host of ['evil.example', `evil.example:${new URL(origin).port}`, '127.0.0.1']) {
      const answer = await ask(served.url, { host })
      expect([host, answer.statusCode]).toEqual([host, 403])
    }
  })

  test('lets in the first who brings the token, by a cookie that scripts and other sites cannot use', async () => {
    expect((await ask(served.url, {}, 'HEAD')).statusCode).toBe(401)
    const first = await ask(served.url)
    const [cookie = ''] = first.headers['set-cookie'] ?? []
    expect(cookie).toMatch(/; path=\/; samesite=strict; httponly$/i)
    const session = { cookie: cookie.split(';')[0]! }
    expect((await ask('/page.js', session)).statusCode).toBe(200)
    expect((await ask('/api/report', session)).statusCode).toBe(503)
    // opening the link again in the same browser is no mistake, in another one it is refused
    expect((await ask(served.url, session)).statusCode).toBe(200)
    expect((await ask(served.url)).statusCode).toBe(401)
  })
})
