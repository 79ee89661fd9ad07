import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import Koa from 'koa'
import type { Middleware } from 'koa'
import { afterEach, expect, test } from 'vitest'
import { startAnalytics } from '../../src/analytics.ts'
import type { ApiKeyAnalytics } from '../../src/api-key-analytics.ts'
import { addUsage, apiKeyAnalytics, openUsage, setApiKey, setUsage } from '../../src/index.ts'
import type { AnalyticsError, ApiKey, NewQuota } from '../../src/index.ts'
import type { AnalyticsOptions } from '../../src/options/options.ts'
import { keyIdOfName, keyIdOfSecret } from '../../src/model/compute-key-id.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { searchRuns } from '../support/search-runs.ts'

const DAY_MS = 86_400_000
/** A Thursday. */
const NOON = Date.UTC(2026, 10, 12, 12, 10)
const month = (limit: number, unit = 'requests') => ({ unit, per: 'month', limit }) as const
const day = (limit: number, unit = 'requests') => ({ unit, per: 'day', limit }) as const

forEachDatabase('quotas of an app', (kind, makeUrl) => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  /** An app that flushes when told, by a clock that stands until the test moves it. */
  function start(database: string, options: AnalyticsOptions = {}) {
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-quotas-'))
    const errors: AnalyticsError[] = []
    const clock = { now: NOON }
    const analytics = startAnalytics(
      {
        database,
        dataDir,
        units: ['tokens'],
        flushIntervalMs: 3_600_000,
        onError: (error) => void errors.push(error),
        ...options,
      },
      () => clock.now,
    )
    ends.push(async () => {
      await analytics.close()
      rmSync(dataDir, { recursive: true })
    })
    return { analytics, errors, clock }
  }

  async function setQuotas(url: string, ...quotas: NewQuota[]): Promise<void> {
    const usage = await openUsage(url)
    for (const quota of quotas) await usage.setQuota(quota)
    await usage.close()
  }

  async function serve(analytics: ApiKeyAnalytics, ...handlers: Middleware[]) {
    const app = new Koa()
    app.silent = true
    app.use(analytics)
    for (const handler of handlers) app.use(handler)
    const server = app.listen(0, '127.0.0.1')
    ends.push(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return async (headers: Record<string, string> = {}, path = '/') => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
      await answer.text()
      return answer
    }
  }

  const count = (analytics: ApiKeyAnalytics, key: ApiKey, times = 1, tokens?: number) => {
    for (let n = 0; n < times; n += 1)
      analytics.addEndpointAccess(key, 'GET /', tokens === undefined ? {} : { usage: { tokens } })
  }

  const show = (analytics: ApiKeyAnalytics, key: ApiKey) =>
    analytics
      .quotasOf(key)
      .map(({ of, unit, per, used, remaining }) => `${of} ${unit}/${per} ${used} +${remaining}`)

  test('contains what this process counted at once, and every count once after each flush', async () => {
    const url = await makeUrl()
    await setQuotas(url, { keyId: keyIdOfName('a'), ...month(10) })
    const { analytics } = start(url)
    expect(analytics.quotaOf({ id: 'a' })).toBeUndefined()
    await analytics.flush()
    expect(analytics.quotaOf({ id: 'a' })).toEqual({
      of: 'key',
      owner: null,
      unit: 'requests',
      per: 'month',
      limit: 10,
      used: 0,
      remaining: 10,
      startedAt: new Date('2026-11-01T00:00:00Z'),
      resetsAt: new Date('2026-12-01T00:00:00Z'),
      completeUntil: null,
    })
    count(analytics, { id: 'a' }, 4)
    count(analytics, { id: 'b' }, 100)
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 4 +6'])
    await analytics.flush()
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 4 +6'])
    await analytics.flush()
    count(analytics, { id: 'a' }, 8)
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 12 +0'])
    await analytics.flush()
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 12 +0'])
    expect(analytics.quotaOf({ id: 'a' })!.completeUntil).toBeInstanceOf(Date)
    expect(analytics.quotasOf({ id: 'b' })).toEqual([])
  })

  test('of a key and its owner, by unit: the smallest part left comes first', async () => {
    const url = await makeUrl()
    await setQuotas(
      url,
      { keyId: keyIdOfName('a'), ...month(1000) },
      { keyId: keyIdOfName('a'), ...day(100, 'tokens') },
      { owner: 'Acme', ...month(1000, 'tokens') },
      { owner: 'Acme', ...day(7, 'rows') },
      { owner: 'Beta', ...month(1) },
    )
    const { analytics, errors } = start(url)
    await analytics.flush()
    const a = { id: 'a', owner: 'Acme' }
    count(analytics, a, 2, 20)
    count(analytics, { id: 'b', owner: 'Acme' }, 3, 300)
    expect(show(analytics, a)).toEqual([
      'owner tokens/month 940 +60',
      'key tokens/day 40 +60',
      'key requests/month 2 +998',
      // a unit that this app does not count
      'owner rows/day 0 +7',
    ])
    expect(analytics.quotaOf(a)).toMatchObject({ of: 'owner', owner: 'Acme', unit: 'tokens' })
    expect(analytics.quotaOf(a, 'requests')).toMatchObject({ of: 'key', used: 2 })
    expect(analytics.quotaOf(a, 'bytes')).toBeUndefined()
    expect(show(analytics, { id: 'c', owner: 'Beta' })).toEqual(['owner requests/month 0 +1'])
    const before = show(analytics, a)
    await analytics.flush()
    expect(show(analytics, a)).toEqual(before)
    expect(errors).toEqual([])
  })

  test('the owner that a person set counts, not the one that the app gives', async () => {
    const url = await makeUrl()
    await setQuotas(url, { owner: 'Acme', ...month(10) }, { owner: 'Beta', ...month(10) })
    const { analytics } = start(url)
    const key = { id: 'a', owner: 'Acme' }
    count(analytics, key, 2)
    await analytics.flush()
    expect(show(analytics, key)).toEqual(['owner requests/month 2 +8'])
    const db = await openDatabase(url)
    await nameKey(db, keyIdOfName('a'), { owner: 'Beta' }, NOON + 1)
    await db.close()
    await analytics.flush()
    expect(analytics.quotasOf(key)).toMatchObject([{ owner: 'Beta' }])
    // also where the app gives none
    expect(analytics.quotasOf({ id: 'a' })).toMatchObject([{ owner: 'Beta' }])
    const { used } = analytics.quotaOf(key)!
    count(analytics, key, 3)
    await analytics.flush()
    expect(analytics.quotaOf(key)!.used).toBe(used + 3)
  })

  test('begins again with each period, also while counts of the last one wait', async () => {
    const url = await makeUrl()
    await setQuotas(url, { keyId: keyIdOfName('a'), ...day(10) }, { keyId: keyIdOfName('a'), ...month(100) })
    const { analytics, clock } = start(url)
    await analytics.flush()
    count(analytics, { id: 'a' }, 6)
    clock.now += DAY_MS
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 6 +94', 'key requests/day 0 +10'])
    count(analytics, { id: 'a' }, 1)
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/day 1 +9', 'key requests/month 7 +93'])
    expect(analytics.quotaOf({ id: 'a' })).toMatchObject({
      startedAt: new Date('2026-11-13T00:00:00Z'),
      resetsAt: new Date('2026-11-14T00:00:00Z'),
    })
    await analytics.flush()
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/day 1 +9', 'key requests/month 7 +93'])
    clock.now += 40 * DAY_MS
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 0 +100', 'key requests/day 0 +10'])
  })

  test('contains what is added to a request after it was counted', async () => {
    const url = await makeUrl()
    await setQuotas(url, { keyId: keyIdOfName('a'), ...month(100, 'tokens') })
    const { analytics } = start(url)
    await analytics.flush()
    let late: Koa.Context | undefined
    const get = await serve(analytics, (ctx) => {
      setApiKey(ctx, { id: 'a' })
      setUsage(ctx, 'tokens', 5)
      late = ctx
      ctx.body = 'ok'
    })
    await get()
    expect(show(analytics, { id: 'a' })).toEqual(['key tokens/month 5 +95'])
    addUsage(late!, 'tokens', 10)
    expect(show(analytics, { id: 'a' })).toEqual(['key tokens/month 15 +85'])
    await analytics.flush()
    expect(show(analytics, { id: 'a' })).toEqual(['key tokens/month 15 +85'])
  })

  test('a changed, a new and a removed quota are seen with the next flush', async () => {
    const url = await makeUrl()
    const { analytics } = start(url)
    count(analytics, { id: 'a' }, 3)
    await analytics.flush()
    await setQuotas(url, { keyId: keyIdOfName('a'), ...month(10) })
    await analytics.flush()
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 3 +7'])
    await setQuotas(url, { keyId: keyIdOfName('a'), ...month(20) })
    await analytics.flush()
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 3 +17'])
    const usage = await openUsage(url)
    await usage.removeQuota({ keyId: keyIdOfName('a'), unit: 'requests', per: 'month' })
    await usage.close()
    await analytics.flush()
    expect(analytics.quotasOf({ id: 'a' })).toEqual([])
    count(analytics, { id: 'a' }, 3)
    expect(analytics.quotaOf({ id: 'a' })).toBeUndefined()
  })

  test('keeps at most maxKeys quotas in memory: those of the keys used last', async () => {
    const url = await makeUrl()
    const { analytics } = start(url, { maxKeys: 3 })
    for (const id of ['a', 'b', 'c']) count(analytics, { id })
    await analytics.flush()
    const ids = ['a', 'b', 'c', 'never used 1', 'never used 2']
    await setQuotas(url, ...ids.map((id) => Object.assign(month(9), { keyId: keyIdOfName(id) })))
    await analytics.flush()
    expect(ids.map((id) => analytics.quotasOf({ id }).length)).toEqual([1, 1, 1, 0, 0])
  })

  test('quotas that cannot be read cost no count', async () => {
    const url = await makeUrl()
    const { analytics, errors } = start(url)
    await analytics.flush()
    const db = await openDatabase(url)
    await db.query('alter table api_key_analytics_quotas rename to elsewhere')
    count(analytics, { id: 'a' }, 5)
    await analytics.flush().catch(() => {})
    expect(errors.length).toBeGreaterThan(0)
    expect(analytics.quotaOf({ id: 'a' })).toBeUndefined()
    await db.query('alter table elsewhere rename to api_key_analytics_quotas')
    await analytics.flush()
    expect(analytics.stats()).toMatchObject({ counted: 5, flushed: 5, pending: 0 })
    await db.close()
  })

  test('an app refuses by itself with a middleware; the headers say what is left', async () => {
    const url = await makeUrl()
    await setQuotas(url, { keyId: keyIdOfName('a'), ...day(3) }, { owner: 'Acme', ...month(1000, 'tokens') })
    const { analytics } = start(url, { rateLimitHeaders: true })
    await analytics.flush()
    const get = await serve(
      analytics,
      (ctx, next) => {
        if (ctx.get('x-customer')) setApiKey(ctx, { id: ctx.get('x-customer'), owner: ctx.get('x-owner') })
        return next()
      },
      async (ctx, next) => {
        const quota = analytics.quotaOf(ctx)
        if (quota?.remaining === 0) {
          const seconds = Math.ceil((quota.resetsAt.getTime() - NOON) / 1000)
          ctx.throw(429, `Your quota of ${quota.unit} is used up.`, { headers: { 'Retry-After': seconds } })
        }
        await next()
      },
      (ctx) => {
        if (ctx.path === '/broken') throw new Error('This handler throws.')
        setUsage(ctx, 'tokens', 300)
        ctx.body = 'ok'
      },
    )
    const headersOf = (answer: Response) => [
      answer.status,
      answer.headers.get('ratelimit-policy'),
      answer.headers.get('ratelimit'),
    ]
    // from 12:10 to midnight
    const seconds = (11 * 60 + 50) * 60
    const policy = '"key-requests-day";q=3;w=86400'
    const acme = { 'x-customer': 'a', 'x-owner': 'Acme' }
    expect(headersOf(await get(acme))).toEqual([
      200,
      `${policy}, "owner-tokens-month";q=1000;w=2592000;qu="tokens"`,
      `"key-requests-day";r=2;t=${seconds}, "owner-tokens-month";r=700;t=${seconds + 18 * 86_400}`,
    ])
    expect(headersOf(await get(acme, '/broken'))[2]).toMatch(/^"key-requests-day";r=1;.*r=700/)
    expect((await get(acme, '/broken')).status).toBe(500)
    const refused = await get(acme)
    expect(headersOf(refused)[2]).toMatch(/^"key-requests-day";r=0;/)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, String(seconds)])
    // another key of the owner has only the owner's
    expect(headersOf(await get({ ...acme, 'x-customer': 'b' }))[2]).toMatch(/^"owner-tokens-month";r=400/)
    // nobody's quota: no header
    expect(headersOf(await get({ 'x-customer': 'c' }))).toEqual([200, null, null])
    expect(headersOf(await get())).toEqual([200, null, null])
  })

  test('an app may throw one error for many requests: each answer has the headers of its own client', async () => {
    const url = await makeUrl()
    await setQuotas(url, { keyId: keyIdOfName('a'), ...day(9) }, { keyId: keyIdOfName('b'), ...month(9) })
    const { analytics, errors } = start(url, { rateLimitHeaders: true, ignore: ['/ignored'] })
    await analytics.flush()
    const own = { 'Retry-After': '7' }
    const shared = Object.assign(new Error('One for all.'), { status: 503, headers: own })
    const plain = new Error('One without headers.')
    const refusing = Object.defineProperty(new Error('It refuses other headers.'), 'headers', { value: own })
    const thrown: Record<string, unknown> = { '/plain': plain, '/refusing': refusing, '/text': 'a text' }
    let waiting = 0
    let refuse = () => {}
    const refusal = new Promise<never>((_resolve, reject) => {
      refuse = () => reject(shared)
    })
    const get = await serve(analytics, async (ctx) => {
      if (ctx.get('x-customer')) setApiKey(ctx, { id: ctx.get('x-customer') })
      if (ctx.path === '/wait') {
        waiting += 1
        await refusal
      }
      throw thrown[ctx.path] ?? shared
    })
    const read = async (customer: string, path = '/') => {
      const { status, headers } = await get(customer ? { 'x-customer': customer } : {}, path)
      return [status, headers.get('ratelimit-policy'), headers.get('retry-after')].join(' ')
    }
    const [a, b] = ['"key-requests-day";q=9;w=86400', '"key-requests-month";q=9;w=2592000']
    expect(await read('a')).toBe(`503 ${a} 7`)
    expect(await read('b')).toBe(`503 ${b} 7`)
    expect(await read('')).toBe('503  7')
    expect(await read('a', '/ignored')).toBe('503  7')
    const answers = [read('a', '/wait'), read('b', '/wait'), read('', '/wait')]
    await expect.poll(() => waiting).toBe(3)
    refuse()
    expect(await Promise.all(answers)).toEqual([`503 ${a} 7`, `503 ${b} 7`, '503  7'])
    expect(await read('a', '/plain')).toBe(`500 ${a} `)
    expect(await read('', '/plain')).toBe('500  ')
    expect(await read('a', '/refusing')).toBe('500  7')
    expect(await read('a', '/text')).toBe('500  ')
    expect(shared.headers).toBe(own)
    expect(plain).not.toHaveProperty('headers')
    expect(errors).toEqual([])
  })

  test('a guessed key learns nothing from headers, and a real one its quota', async () => {
    const url = await makeUrl()
    const secret = 'sk_live_abcdefghijklmnop'
    await setQuotas(url, { keyId: keyIdOfSecret(secret, undefined), ...month(5) })
    const { analytics } = start(url, { rateLimitHeaders: true })
    await analytics.flush()
    const get = await serve(analytics, (ctx) => {
      if (ctx.get('x-api-key') !== secret) ctx.throw(401)
      ctx.body = 'ok'
    })
    const left = async (key: string) => (await get({ 'x-api-key': key })).headers.get('ratelimit')
    expect(await left('sk_live_guess')).toBeNull()
    expect(await left(secret)).toMatch(/^"key-requests-month";r=/)
  })

  test('no header is sent unless the option is on', async () => {
    const url = await makeUrl()
    await setQuotas(url, { keyId: keyIdOfName('a'), ...month(5) })
    const { analytics } = start(url)
    await analytics.flush()
    const get = await serve(analytics, (ctx) => {
      setApiKey(ctx, { id: 'a' })
      ctx.body = 'ok'
    })
    const answer = await get()
    expect([answer.headers.get('ratelimit'), answer.headers.get('ratelimit-policy')]).toEqual([null, null])
    expect(show(analytics, { id: 'a' })).toEqual(['key requests/month 1 +4'])
  })

  test('quotaOf(ctx) knows the key that the app gives, and says why it does not know a promised one', async () => {
    const url = await makeUrl()
    await setQuotas(url, { keyId: keyIdOfName('a'), ...month(5) })
    const { analytics, errors } = start(url, {
      identify: async () => ({ id: 'a' }),
      endpoint: 'path',
      rateLimitHeaders: true,
    })
    await analytics.flush()
    const seen: unknown[] = []
    const get = await serve(analytics, (ctx) => {
      if (ctx.path === '/named') setApiKey(ctx, { id: 'a' })
      seen.push(analytics.quotaOf(ctx)?.remaining)
      ctx.body = 'ok'
    })
    await get({}, '/')
    await get({}, '/')
    await get({}, '/named')
    expect(seen).toEqual([undefined, undefined, 3])
    expect(errors.map(({ code }) => code)).toEqual(['IDENTIFY_FAILED'])
    expect(errors[0]!.message).toContain('setApiKey')
    // the headers wait for the promise, as the count does
    expect((await get()).headers.get('ratelimit')).toMatch(/r=1/)
    // what no app should give
    for (const whose of [undefined, null, 7, {}, { req: null }])
      expect(analytics.quotasOf(whose as unknown as ApiKey)).toEqual([])
  })

  test('an app that counts nothing has no quotas', () => {
    const analytics = apiKeyAnalytics({ enabled: false })
    expect(analytics.quotaOf({ id: 'a' })).toBeUndefined()
    expect(analytics.quotasOf({ id: 'a' })).toEqual([])
  })

  test('however several processes count, flush and pass borders, each knows its own counts and what was delivered', async () => {
    const keys = ['a', 'b', 'c']
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ app: fc.nat(2), key: fc.nat(2), times: fc.integer({ min: 1, max: 5 }) }),
      },
      { weight: 3, arbitrary: fc.record({ app: fc.nat(2), flush: fc.constant(true) }) },
      { weight: 1, arbitrary: fc.record({ hours: fc.integer({ min: 1, max: 30 }) }) },
    )
    const url = await makeUrl()
    let round = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        // names of its own, because all rounds share the database
        const prefix = `${kind} ${(round += 1)} `
        const owner = `${prefix}Acme`
        const keyOf = (n: number) => ({ id: prefix + keys[n], owner })
        await setQuotas(
          url,
          { owner, ...day(1000) },
          { owner, ...month(5000, 'tokens') },
          { keyId: keyIdOfName(keyOf(0).id), ...day(50, 'tokens') },
        )
        const apps = [start(url), start(url), start(url)]
        const models = apps.map(() => ({ waiting: [] as Counted[], known: [] as Counted[] }))
        const delivered: Counted[] = []
        const flush = async (app: number) => {
          await apps[app]!.analytics.flush()
          const model = models[app]!
          delivered.push(...model.waiting.splice(0))
          model.known = [...delivered]
        }
        for (const app of apps.keys()) await flush(app)
        for (const taken of steps) {
          if ('hours' in taken) {
            for (const { clock } of apps) clock.now += taken.hours * 3_600_000
            continue
          }
          const { analytics, clock } = apps[taken.app]!
          const model = models[taken.app]!
          if ('flush' in taken) {
            await flush(taken.app)
          } else {
            // Two buckets can wait. With a third one the app flushes by itself, at a moment that no model knows.
            const hours = new Set(model.waiting.map(({ at }) => at)).add(clock.now)
            if (hours.size > 2) await flush(taken.app)
            count(analytics, keyOf(taken.key), taken.times, 2)
            model.waiting.push({ key: taken.key, times: taken.times, at: clock.now })
          }
          expect(show(analytics, keyOf(0)).sort()).toEqual(
            expected([...model.known, ...model.waiting], clock.now),
          )
        }
        for (const { analytics } of apps) await analytics.close()
      }),
      { numRuns: searchRuns(6), endOnFailure: true },
    )
  })
})

/** What a process counted of a key of the property test. */
interface Counted {
  readonly key: number
  readonly times: number
  readonly at: number
}

function expected(counted: readonly Counted[], now: number): string[] {
  const sum = (length: number, of: (one: Counted) => boolean) =>
    counted
      .filter(
        ({ at }) =>
          new Date(at).toISOString().slice(0, length) === new Date(now).toISOString().slice(0, length),
      )
      .filter(of)
      .reduce((total, { times }) => total + times, 0)
  const line = (name: string, used: number, limit: number) => `${name} ${used} +${Math.max(0, limit - used)}`
  return [
    line('key tokens/day', 2 * sum(10, ({ key }) => key === 0), 50),
    line(
      'owner requests/day',
      sum(10, () => true),
      1000,
    ),
    line('owner tokens/month', 2 * sum(7, () => true), 5000),
  ]
}
