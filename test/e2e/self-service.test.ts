import { describe, expect, test } from 'vitest'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import { readStatement } from '../../src/billing/statement/read-statement.ts'
import { keyIdOfName } from '../../src/model/compute-key-id.ts'
import { apiKeyUsage } from '../../src/index.ts'
import type { Usage } from '../../src/index.ts'
import type { CustomerAnswer } from '../../src/model/customer-usage.ts'
import { readReport } from '../../src/report/usage/read-report.ts'
import { createAnswerQuestion } from '../../src/self-service/answer-question.ts'
import { RateLimit } from '../../src/self-service/rate-limit.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { writeCustomerStatement } from '../../src/store/read/find-customer-usage.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { KeptAnswers } from '../../src/store/thread/kept-answers.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { explainStatement } from '../support/databases/explain-statement.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { serveApp } from '../support/apps/serve-app.ts'
import { serveCustomers } from '../support/apps/serve-customers.ts'
import { storeUsage } from '../support/usage/store-usage.ts'

const key = (label: string, owner: string | null) => ({ id: keyIdOfName(label), label, name: null, owner })
const [acme, globex] = ['Acme', 'Globex']
/** One key changes hands in the middle of October; hours lie beside the borders of the month in UTC and in Berlin. */
const ROWS = [
  { key: key('shop', acme), bucket: '2026-09-30T21:00Z', requests: 1 },
  { key: key('shop', acme), bucket: '2026-09-30T22:00Z', requests: 20, quantities: { tokens: 2 } },
  { key: key('shop', acme), bucket: '2026-10-01T00:00Z', requests: 300, quantities: { tokens: 3 } },
  { key: key('feed', acme), bucket: '2026-10-15T10:00Z', requests: 4000, endpoint: '/feed', status: 404 },
  {
    key: key('feed', globex),
    bucket: '2026-10-15T11:00Z',
    requests: 50_000,
    endpoint: '/feed',
    method: 'POST',
  },
  { key: key('shop', acme), bucket: '2026-10-31T22:00Z', requests: 600_000, status: 500 },
  { key: key('shop', acme), bucket: '2026-10-31T23:00Z', requests: 7_000_000 },
]
const ASKED = { id: 'shop', owner: acme }

forEachDatabase('a customer that asks for its usage', (_kind, makeUrl) => {
  test.each(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Pacific/Kiritimati', 'Pacific/Pago_Pago'])(
    'gets what report --owner and the statement say (%s)',
    async (timeZone) => {
      const url = await makeUrl()
      await storeUsage(url, ROWS)
      const db = await openDatabase(url)
      await using app = await serveCustomers(url, [{ timeZone, maxPerMinute: 60_000 }])
      for (const owner of [acme, globex]) {
        const { body } = await app.ask({ id: 'portal', owner }, '?month=2026-10')
        const { report } = await readReport(
          db,
          { month: '2026-10', tz: timeZone, owner, by: ['day'], format: 'json' },
          { dataDir: '/nowhere' },
        )
        const { requests, clientErrors, serverErrors, rejected } = report.total
        expect(body.total).toMatchObject({ requests, clientErrors, serverErrors, rejected })
        const days = report.sections[0]!.groups.map((group) => [group.day!.toISOString(), group.requests])
        const steps = body.steps.filter((step: { requests: number }) => step.requests > 0)
        expect(steps.map((step: { start: string; requests: number }) => [step.start, step.requests])).toEqual(
          days,
        )
        for (const by of ['key', 'endpoint', 'method', 'status', 'hour', 'day', 'week']) {
          const split = (await app.ask({ id: 'portal', owner }, `?month=2026-10&by=${by}`)).body
          expect(split.total).toEqual(body.total)
          const sum = split.groups.reduce((all: number, one: { requests: number }) => all + one.requests, 0)
          expect({ by, sum }).toEqual({ by, sum: body.total.requests })
        }
      }
      const period = parseBillingPeriod({ month: '2026-10', timeZone })
      const month = parseBillingPeriod({ month: '2026-09', timeZone })
      for (const one of [month, period]) {
        await closePeriod(db, '/nowhere', { period: one, billable: ['2xx', '4xx', '5xx'] }).catch(
          (error: Error) => {
            // before the first month with usage there is nothing to close
            if (one !== month) throw error
          },
        )
      }
      // answers of before are still kept by the other one
      await using later = await serveCustomers(url, [{ timeZone }])
      for (const owner of [acme, globex]) {
        const { body } = await later.ask({ id: 'portal', owner }, '?month=2026-10&by=day')
        const statement = body.statements.at(-1)
        const document = await readStatement(db, '2026-10', { owner })
        const billed = (unit: string) =>
          document.accounts
            .flatMap(({ lines }) => lines)
            .reduce((sum, line) => (line.unit === unit ? sum + Number(line.quantity) : sum), 0)
        expect(statement.period).toMatchObject({ label: '2026-10', timeZone })
        expect(Number(statement.usage.requests)).toBe(billed('requests'))
        expect(Number(statement.usage.requests)).toBe(body.total.requests)
        expect(Number(statement.usage.tokens ?? 0)).toBe(billed('tokens'))
        expect(statement.corrections).toEqual([])
      }
      await db.close()
    },
  )

  test('gets corrections of earlier statements, and its new statement at once', async () => {
    const url = await makeUrl()
    await storeUsage(url, ROWS.slice(1, 4))
    const db = await openDatabase(url)
    await using app = await serveCustomers(url, [{ cacheMs: 0 }])
    const close = (text: string) =>
      closePeriod(db, '/nowhere', { period: parseBillingPeriod({ month: text }), billable: ['2xx'] })
    await close('2026-09')
    expect((await app.ask(ASKED, '?month=2026-08')).body.statements).toHaveLength(1)
    await storeUsage(url, [{ key: key('shop', acme), bucket: '2026-09-30T20:00Z', requests: 5 }])
    await close('2026-10')
    const { statements } = (await app.ask(ASKED, '?month=2026-07')).body
    expect(statements).toMatchObject([
      { number: 1, usage: { requests: '20', tokens: '2' }, corrections: [] },
      {
        number: 2,
        usage: { requests: '300', tokens: '3' },
        corrections: [{ statement: 1, quantities: { requests: '5' } }],
      },
    ])
    expect((await app.ask({ id: 'other', owner: globex }, '?month=2026-07')).body.statements).toEqual([])
    await db.close()
  })

  test('gets its quotas, of a key only with its own part of the period', async () => {
    const url = await makeUrl()
    const now = Date.now()
    const hour = (back: number) => new Date(Math.floor(now / 3_600_000 - back) * 3_600_000).toISOString()
    await storeUsage(url, [
      { key: key('feed', acme), bucket: hour(1), requests: 7, quantities: { tokens: 100 } },
      { key: key('feed', globex), bucket: hour(0), requests: 5, quantities: { tokens: 30 } },
    ])
    const db = await openDatabase(url)
    const limits = { per: 'week', limit: 40 } as const
    await setQuota(db, { owner: acme, unit: 'requests', ...limits })
    await setQuota(db, { keyId: keyIdOfName('feed'), unit: 'tokens', ...limits })
    await using app = await serveCustomers(url, [{}, { path: '/key', scope: 'key' }])
    const isOneWeek = new Date(hour(1)).getUTCDay() !== 0 || new Date(hour(0)).getUTCDay() === 0
    const used = isOneWeek ? '7' : '0'
    expect((await app.ask({ id: 'feed', owner: acme })).body.quotas).toMatchObject([
      { unit: 'requests', per: 'week', limit: '40', used, remaining: String(40 - Number(used)) },
    ])
    const { quotas } = (await app.ask({ id: 'feed', owner: globex }, '', { path: '/key' })).body
    expect(quotas).toMatchObject([{ unit: 'tokens', used: '30', remaining: '10' }])
    await db.close()
  })

  test('is asked for in one statement, which finds the rows by the primary key', async () => {
    const url = await makeUrl()
    await storeUsage(url, ROWS)
    const db = await openDatabase(url)
    const asked: string[] = []
    const answer = createAnswerQuestion(async () => ({
      ...db,
      query: (sql, params) => {
        asked.push(sql)
        return db.query(sql, params)
      },
    }))
    const question = {
      customer: { scope: 'owner', keyId: '', owner: acme },
      since: Date.UTC(2026, 9, 1),
      until: Date.UTC(2026, 10, 1),
      timeZone: 'UTC',
    } as const
    for (const by of [undefined, 'key', 'endpoint', 'method', 'status', 'hour', 'day', 'week'] as const) {
      const { total }: Pick<CustomerAnswer, 'total'> = await answer({ ...question, by })
      expect(total.requests).toBe(7_604_300)
    }
    expect(asked).toHaveLength(8)
    const { sql, params } = writeCustomerStatement(db, { ...question, by: 'endpoint' }, undefined)
    expect(await explainStatement(db, sql, params)).toMatch(
      /api_key_analytics_owner_usage_pkey|PRIMARY KEY \(owner=/,
    )
    await db.close()
  })

  test('without an owner no longer sees statements once its key changes hands', async () => {
    const url = await makeUrl()
    await storeUsage(url, [{ key: key('shop', null), bucket: '2026-10-05T00:00Z', requests: 777 }])
    const db = await openDatabase(url)
    const now = new Date('2027-01-01T00:00Z')
    const period = parseBillingPeriod({ month: '2026-10' })
    await closePeriod(db, '/nowhere', { period, billable: ['2xx'], now })
    const answer = createAnswerQuestion(async () => db)
    const question = {
      customer: { scope: 'key', keyId: keyIdOfName('shop'), owner: null },
      since: Date.UTC(2026, 9, 1),
      until: Date.UTC(2026, 10, 1),
      timeZone: 'UTC',
    } as const
    expect((await answer(question)).statements).toMatchObject([{ usage: { requests: 777n } }])
    const border = new Date('2026-12-01T00:00Z')
    await nameKey(db, keyIdOfName('shop'), { owner: acme, until: border }, now.getTime())
    await nameKey(db, keyIdOfName('shop'), { owner: globex, from: border }, now.getTime())
    expect((await answer(question)).statements).toEqual([])
    await db.close()
  })

  test('is told up to when the figures are complete: what ended before is in them', async () => {
    const url = await makeUrl()
    await using app = await serveCustomers(url, [{ cacheMs: 0, counted: true }])
    for (let round = 0; round < 3; round++) {
      await app.ask(ASKED, `?month=200${round}-01`)
      const endedAt = Date.now()
      const before = (await app.ask(ASKED, `?by=day&tz=${['UTC', 'Europe/Paris', 'Asia/Tokyo'][round]}`)).body
      expect(Date.parse(before.completeUntil)).toBeLessThan(endedAt)
      await app.analytics.flush()
      const after = (await app.ask(ASKED, `?by=status&tz=${['UTC', 'Europe/Paris', 'Asia/Tokyo'][round]}`))
        .body
      expect(Date.parse(after.completeUntil)).toBeGreaterThanOrEqual(endedAt)
      // the questions are counted here; the one that asks is not over yet
      expect(after.total.requests).toBe(3 * round + 2)
    }
  })

  test('gets 503 while the database is away, and nothing about it; the app gets the reason', async () => {
    const url = await makeUrl({ migrated: false })
    await using app = await serveCustomers(url, [{}], {
      database: 'postgres://user:secret@127.0.0.1:1/hidden',
    })
    const { status, headers, body } = await app.ask(ASKED)
    expect({ status, body, retry: headers.get('retry-after') }).toEqual({
      status: 503,
      body: { error: { code: 'UNAVAILABLE', message: 'The usage cannot be read now. Ask again.' } },
      retry: '5',
    })
    expect(app.errors.map(({ code }) => code)).toContain('DATABASE_UNREACHABLE')
  })
})

describe('a customer', () => {
  const serve = async (
    ...args: Parameters<typeof serveCustomers> extends [string, ...infer Rest] ? Rest : never
  ) => {
    const database = await makeDatabase('sqlite')
    await storeUsage(database.url, ROWS)
    return serveCustomers(database.url, ...args)
  }

  test('is only who the app vouches for: a header alone is nobody, also when its key is known', async () => {
    await using app = await serve([{ counted: true }])
    for (const headers of [{ 'x-api-key': 'shop' }, { authorization: 'Api-Key shop' }]) {
      expect(await app.ask(undefined, '', { headers })).toMatchObject({
        status: 401,
        body: { error: { code: 'UNAUTHORIZED' } },
      })
    }
    await using byState = await serve([{}], {}, () => {})
    expect(await byState.ask(undefined)).toMatchObject({ status: 401 })
    await using byIdentify = await serve([{}], { identify: async () => ASKED })
    expect(await byIdentify.ask(undefined, '?month=2026-10')).toMatchObject({
      status: 200,
      body: { total: { requests: 7_604_300 } },
    })
    await using failing = await serve([{}], { identify: () => Promise.reject(new Error('no')) })
    expect(await failing.ask(undefined)).toMatchObject({ status: 401 })
  })

  test.each([
    ['?month=2026-13', 'Cannot read "2026-13" as a month. Use one such as 2026-10.'],
    ['?month=', 'Cannot read "" as a month. Use one such as 2026-10.'],
    ['?by=owner', 'Cannot read by="owner". Use key or endpoint or method or status or hour or day or week.'],
    ['?by=__proto__', 'Cannot read by="__proto__".'],
    ['?tz=Europe/Berlim', 'Unknown time zone "Europe/Berlim". Did you mean Europe/Berlin'],
    ['?tz=%2B02:00', 'Unknown time zone "+02:00".'],
    [`?tz=${'x'.repeat(1000)}`, 'The parameter tz is too long.'],
    ['?owner=Globex', 'Unknown parameter "owner". Use month, by, tz.'],
    ['?key=feed', 'Unknown parameter "key". Use month, by, tz.'],
    ['?month=2026-10&month=2026-09', 'Pass month once.'],
  ])('is told what is wrong with %s', async (query, message) => {
    await using app = await serve([{}])
    const { status, body } = await app.ask(ASKED, query)
    expect({ status, code: body.error.code, message: body.error.message }).toEqual({
      status: 400,
      code: 'WRONG_USAGE',
      message: expect.stringContaining(message),
    })
  })

  test('may only read; a browser gets nothing that it has already', async () => {
    await using app = await serve([{}])
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const { status, headers } = await app.ask(ASKED, '', { method })
      expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'GET, HEAD' })
    }
    const { headers } = await app.ask(ASKED, '?month=2026-10')
    expect(headers.get('cache-control')).toBe('private, no-cache')
    const again = await app.ask(ASKED, '?month=2026-10', {
      headers: { 'if-none-match': headers.get('etag')!, 'cache-control': 'max-age=0' },
    })
    expect(again).toMatchObject({ status: 304, body: '' })
    expect(await app.ask(ASKED, '?month=2026-10', { method: 'HEAD' })).toMatchObject({ status: 200 })
  })

  test('gets the web component without signing in', async () => {
    await using app = await serve([{ path: '/mine' }])
    const { status, headers, body } = await app.ask(undefined, '', { path: '/mine/api-usage.js' })
    expect({ status, type: headers.get('content-type') }).toEqual({
      status: 200,
      type: 'text/javascript; charset=utf-8',
    })
    expect(body).toContain('api-usage')
    expect(await app.ask(undefined, '', { path: '/mine/other.js' })).toMatchObject({ status: 404 })
  })

  test('is not counted for asking, unless the app wants it', async () => {
    await using quiet = await serve([{}])
    await quiet.ask(ASKED)
    expect(quiet.analytics.stats().counted).toBe(0)
    await using app = await serve([{ counted: true }], { endpoint: 'route' })
    await app.ask(ASKED)
    await using usage = disposable(await app.analytics.usage())
    expect(
      await usage.findUsage({ by: ['endpoint', 'owner'], since: new Date(Date.now() - 7_200_000) }),
    ).toMatchObject([{ endpoint: '/v1/usage', owner: acme, requestCount: 1 }])
  })

  test('that asks too often has to wait, with all keys of the owner; others do not', async () => {
    await using app = await serve([{ maxPerMinute: 3 }])
    for (const id of ['a', 'b', 'c'])
      expect(await app.ask({ id, owner: acme })).toMatchObject({ status: 200 })
    const { status, headers, body } = await app.ask({ id: 'd', owner: acme })
    expect({ status, code: body.error.code }).toEqual({ status: 429, code: 'TOO_MANY_REQUESTS' })
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(await app.ask({ id: 'e', owner: globex })).toMatchObject({ status: 200 })
  })

  test('that asks the same again gets the same answer, without the database', async () => {
    await using app = await serve([{ cacheMs: 3_600_000 }])
    const first = await app.ask(ASKED)
    app.analytics.addEndpointAccess(ASKED, 'GET /more')
    await app.analytics.flush()
    expect((await app.ask(ASKED)).body).toEqual(first.body)
    // another customer has its own answers
    expect((await app.ask({ id: 'x', owner: globex })).body.customer.owner).toBe(globex)
  })

  test('may ask a database in memory, and gets what was counted a moment ago', async () => {
    await using app = await serveCustomers(':memory:', [{}])
    app.analytics.addEndpointAccess(ASKED, 'GET /more')
    expect((await app.ask(ASKED)).body).toMatchObject({
      total: { requests: 1 },
      endpoints: [{ endpoint: '/more' }],
    })
  })

  test('gets 503 where nothing is counted', async () => {
    await using app = await serveApp((koa) => void koa.use(apiKeyUsage()))
    const answer = await fetch(`${app.url}/v1/usage`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ error: { code: 'OPTION_INVALID' } })
    await using off = await serveCustomers(':memory:', [{}], { enabled: false })
    expect(await off.ask(ASKED)).toMatchObject({ status: 503 })
  })
})

test.each([
  [null, 'The options of apiKeyUsage() are null'],
  [[], 'The options of apiKeyUsage() are a list'],
  ['postgres://api:pw@db/api', 'The options of apiKeyUsage() are of type string, expected an object.'],
  [{ prefix: '/x' }, "Unknown option 'prefix'"],
  [{ path: 'usage' }, 'Option "path" of apiKeyUsage() is \'usage\''],
  [{ path: '/usage/' }, 'Option "path"'],
  [{ path: /x/ }, 'Option "path"'],
  [{ scope: 'all' }, 'Option "scope"'],
  [{ timeZone: 'Berlin' }, 'Option "timeZone"'],
  [{ maxPerMinute: 0 }, 'Option "maxPerMinute"'],
  [{ cacheMs: -1 }, 'Option "cacheMs"'],
  [{ counted: 1 }, 'Option "counted"'],
])('refuses the options %j', (options, message) => {
  expect(() => apiKeyUsage(options as object)).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining(message) }),
  )
})

test('an allowance fills up evenly, is full after a minute, and is bounded in memory', () => {
  let now = 0
  const limit = new RateLimit(60, () => now)
  for (let asked = 0; asked < 60; asked++) expect(limit.take('a')).toBe(0)
  expect(limit.take('a')).toBe(1)
  now += 2000
  expect([limit.take('a'), limit.take('a'), limit.take('a')]).toEqual([0, 0, 1])
  now += 3_600_000
  expect(Array.from({ length: 61 }, () => limit.take('a')).filter((wait) => wait > 0)).toHaveLength(1)
})

test('answers are kept for their time, shared while they come, and errors are not kept', async () => {
  const kept = new KeptAnswers<string>(2)
  const { promise, resolve } = Promise.withResolvers<string>()
  void kept.keep('a', promise, () => 3_600_000)
  expect(kept.find('a')).toBe(promise)
  resolve('A')
  await promise
  await kept.keep('b', Promise.resolve('B'), () => 0)
  await Promise.resolve()
  expect(kept.find('a')).toBe(promise)
  expect(kept.find('b')).toBeUndefined()
  await expect(kept.keep('c', Promise.reject(new Error('no')), () => 1000)).rejects.toThrow('no')
  expect(kept.find('c')).toBeUndefined()
  // the oldest one made room
  expect(kept.find('a')).toBeUndefined()
})

function disposable(usage: Usage) {
  return Object.assign(usage, { [Symbol.asyncDispose]: () => usage.close() })
}
