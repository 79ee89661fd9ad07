import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { addUsage, apiKeyAnalytics, setUsage } from '../../src/index.ts'
import { OTHER_KEY } from '../../src/model/key.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR } from '../support/usage/make-batch.ts'
import { serveUnits } from '../support/apps/serve-units.ts'

const HOUR_MS = 3_600_000

forEachDatabase('the quantities of requests', (_kind, makeUrl) => {
  test('are set, added, and given in ctx.state: the last value wins', async () => {
    await using app = await serveUnits(await makeUrl())
    await app.request((ctx) => {
      setUsage(ctx, 'tokens', 3)
      setUsage(ctx, 'tokens', 1532)
      ctx.body = 'ok'
    })
    await app.request((ctx) => {
      addUsage(ctx, 'rows', 20)
      addUsage(ctx, 'rows', 22)
      ctx.state['usage'] = { tokens: 8 }
    })
    await app.request(() => {}, { key: 'globex' })
    await app.request((ctx) => setUsage(ctx, 'rows', 0), { key: 'globex' })
    expect(await app.read()).toEqual({
      acme: { requests: 2, tokens: [2, 1540n], rows: [1, 42n] },
      globex: { requests: 2, rows: [1, 0n] },
    })
    expect(app.errors).toEqual([])
  })

  test('belong to the cell of their request: key, endpoint, status and bucket', async () => {
    await using app = await serveUnits(await makeUrl())
    await app.request((ctx) => setUsage(ctx, 'tokens', 1), { path: '/a' })
    await app.request(
      (ctx) => {
        setUsage(ctx, 'tokens', 2)
        ctx.throw(429)
      },
      { path: '/a' },
    )
    await app.request(
      (ctx) => {
        setUsage(ctx, 'tokens', 4)
        throw new Error('This handler throws.')
      },
      { path: '/b' },
    )
    app.now += HOUR_MS
    await app.request((ctx) => setUsage(ctx, 'tokens', 8), { path: '/b' })
    expect(await app.read('endpoint')).toEqual({
      '/a': { requests: 2, tokens: [2, 3n] },
      '/b': { requests: 2, tokens: [2, 12n] },
    })
    expect(await app.read('status')).toEqual({
      404: { requests: 2, tokens: [2, 9n] },
      429: { requests: 1, tokens: [1, 2n] },
      500: { requests: 1, tokens: [1, 4n] },
    })
    expect(await app.read('hour')).toEqual({
      [String(new Date(HOUR))]: { requests: 3, tokens: [3, 7n] },
      [String(new Date(HOUR + HOUR_MS))]: { requests: 1, tokens: [1, 8n] },
    })
  })

  test('that come after the request was counted are added at once, in the bucket that is open then', async () => {
    await using app = await serveUnits(await makeUrl())
    const stream = new PassThrough()
    let report = (_tokens: number) => {}
    const answer = app.request((ctx) => {
      setUsage(ctx, 'tokens', 1)
      report = (tokens) => setUsage(ctx, 'tokens', tokens)
      ctx.body = stream
      stream.write('begun ')
    })
    await expect.poll(() => app.analytics.stats().counted).toBe(1)
    report(500)
    expect(await app.read()).toEqual({ acme: { requests: 1, tokens: [1, 500n] } })
    // nothing but quantities in this batch, and in this hour
    app.now += HOUR_MS
    report(700)
    report(1000)
    expect(await app.read('hour')).toEqual({
      [String(new Date(HOUR))]: { requests: 1, tokens: [1, 500n] },
      [String(new Date(HOUR + HOUR_MS))]: { requests: 0, tokens: [0, 500n] },
    })
    stream.end('over')
    expect(await answer).toBe('begun over')
    expect(await app.read()).toEqual({ acme: { requests: 1, tokens: [1, 1000n] } })
    expect(app.errors).toEqual([])
  })

  test('that are first set after the request was counted count the request as one with the unit, once', async () => {
    await using app = await serveUnits(await makeUrl())
    let later = () => {}
    await app.request((ctx) => {
      later = () => {
        addUsage(ctx, 'rows', 5)
        addUsage(ctx, 'rows', 5)
        setUsage(ctx, 'tokens', 0)
      }
    })
    later()
    expect(await app.read()).toEqual({ acme: { requests: 1, rows: [1, 10n], tokens: [1, 0n] } })
  })

  test('a value that goes down after it was counted is refused, once reported', async () => {
    await using app = await serveUnits(await makeUrl())
    let later = (_tokens: number) => {}
    await app.request((ctx) => {
      setUsage(ctx, 'tokens', 100)
      setUsage(ctx, 'tokens', 50)
      later = (tokens) => setUsage(ctx, 'tokens', tokens)
    })
    for (const tokens of [20, 60, 40, 60]) later(tokens)
    expect(await app.read()).toEqual({ acme: { requests: 1, tokens: [1, 60n] } })
    expect(app.errors.map(({ code, message }) => [code, message])).toEqual([
      ['USAGE_DECREASED', expect.stringContaining('The usage of tokens was set to 20')],
    ])
  })

  test('a sum larger than a number can hold loses no digit', async () => {
    await using app = await serveUnits(await makeUrl())
    const most = 1e13
    for (let n = 0; n < 1000; n += 1)
      app.analytics.addEndpointAccess('a job', 'POST /jobs', { usage: { tokens: most } })
    app.analytics.addEndpointAccess('a job', 'POST /jobs', { usage: { tokens: 1, rows: 2 } })
    expect(await app.read('endpoint')).toEqual({
      '/jobs': { requests: 1001, tokens: [1001, 10_000_000_000_000_001n], rows: [1, 2n] },
    })
  })

  test('of keys past the limit belong to (other), as their requests do', async () => {
    await using app = await serveUnits(await makeUrl(), { maxKeys: 1 })
    const later: (() => void)[] = []
    for (const key of ['first', 'second', 'third']) {
      await app.request(
        (ctx) => {
          setUsage(ctx, 'tokens', 1)
          later.push(() => addUsage(ctx, 'tokens', 10))
        },
        { key },
      )
    }
    for (const add of later) add()
    expect(await app.read()).toEqual({
      first: { requests: 1, tokens: [1, 11n] },
      [OTHER_KEY.label]: { requests: 2, tokens: [2, 22n] },
    })
  })

  test('of sixteen units are counted, also in the smallest file', async () => {
    const units = Array.from({ length: 16 }, (_, n) => `unit_${n}`)
    await using app = await serveUnits(await makeUrl(), { units })
    const usage = Object.fromEntries(units.map((unit, n) => [unit, n]))
    // more cells than the first file has slots for
    for (let n = 0; n < 400; n += 1) app.analytics.addEndpointAccess('key', `GET /${n}`, { usage })
    const read = await app.read('method')
    expect(read['GET']).toEqual({
      requests: 400,
      ...Object.fromEntries(units.map((unit, n) => [unit, [400, BigInt(n) * 400n]])),
    })
  })
})

describe('wrong usage', () => {
  const hostile = {
    get tokens(): number {
      throw new Error('This getter throws.')
    },
    rows: 7,
  }
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()

  test.each<[string, unknown, unknown]>([
    ['an undeclared unit', 'token', 5],
    ['a unit with a wrong name', 'Tokens!', 5],
    ['a unit that is a symbol', Symbol('tokens'), 5],
    ['a unit that is no text', { toString: () => 'tokens' }, 5],
    ['requests', 'requests', 5],
    ['NaN', 'tokens', Number.NaN],
    ['a fraction', 'tokens', 1.5],
    ['a negative number', 'tokens', -1],
    ['infinity', 'tokens', Infinity],
    ['2^60', 'tokens', 2 ** 60],
    ['a text', 'tokens', '5'],
    ['a bigint', 'tokens', 5n],
    ['a symbol', 'tokens', Symbol('5')],
    ['nothing', 'tokens', undefined],
    ['a list', 'tokens', [5]],
    ['a revoked proxy', 'tokens', revoked.proxy],
    ['a function', 'tokens', () => 5],
  ])('%s is reported once, and neither the request nor another unit is lost', async (_, unit, value) => {
    await using app = await serveUnits('sqlite::memory:', {})
    for (const give of [setUsage, addUsage, setUsage]) {
      const answer = await app.request((ctx) => {
        give(ctx, unit as string, value as number)
        setUsage(ctx, 'rows', 2)
        ctx.body = 'ok'
      })
      expect(answer).toBe('ok')
    }
    let later = () => {}
    await app.request((ctx) => {
      later = () => setUsage(ctx, unit as string, value as number)
      addUsage(ctx, 'rows', 2)
    })
    later()
    expect(app.errors.map(({ code }) => code)).toEqual(['USAGE_INVALID'])
    expect(app.analytics.stats().counted).toBe(4)
    const usage = await app.analytics.usage()
    expect(await usage.findUsage({ units: true })).toMatchObject([
      { requestCount: 4, quantities: [{ unit: 'rows', requestCount: 4, quantity: 8n }] },
    ])
  })

  test('in ctx.state costs only itself', async () => {
    await using app = await serveUnits('sqlite::memory:', {})
    for (const wrong of [hostile, 'tokens', 5, [5], revoked.proxy, { tokens: -1, rows: 1 }]) {
      await app.request((ctx) => {
        ctx.state['usage'] = wrong
        ctx.body = 'ok'
      })
    }
    expect(new Set(app.errors.map(({ code }) => code))).toEqual(new Set(['USAGE_INVALID']))
    const usage = await app.analytics.usage()
    expect(await usage.findUsage({ units: true })).toMatchObject([
      { requestCount: 6, quantities: [{ unit: 'rows', requestCount: 2, quantity: 8n }] },
    ])
  })

  test('of an app that declares no unit is reported with the remedy', async () => {
    await using app = await serveUnits('sqlite::memory:', { units: [] })
    await app.request((ctx) => setUsage(ctx, 'tokens', 5))
    expect(app.errors.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'USAGE_INVALID The unit tokens is not declared, so its usage is not counted. Add it to the option "units".',
    ])
    expect(app.analytics.stats().counted).toBe(1)
  })

  test('a unit that is almost one gets a suggestion', async () => {
    await using app = await serveUnits('sqlite::memory:', {})
    await app.request((ctx) => setUsage(ctx, 'token', 5))
    expect(app.errors[0]!.message).toMatch(/Did you mean tokens\?$/)
  })

  test('of a reported access is refused where it is reported', () => {
    const analytics = apiKeyAnalytics({ enabled: false, units: ['tokens'] })
    for (const usage of [{ token: 1 }, { tokens: 1.5 }, { tokens: '1' }, 'tokens', 5, [5]] as never[]) {
      expect(() => analytics.addEndpointAccess('key', 'POST /jobs', { usage })).toThrow(
        expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
      )
    }
    analytics.addEndpointAccess('key', { method: 'POST', endpoint: '/jobs', usage: { tokens: 9 } })
    analytics.addEndpointAccess('key', 'POST /jobs', { usage: undefined })
  })
})

test('usage of a request that is not counted is forgotten', async () => {
  await using app = await serveUnits('sqlite::memory:', { identify: () => undefined, units: ['tokens'] })
  let later = () => {}
  await app.request((ctx) => {
    setUsage(ctx, 'tokens', 5)
    later = () => addUsage(ctx, 'tokens', 5)
  })
  later()
  await nextTurn()
  expect(app.analytics.stats().counted).toBe(0)
  expect(app.errors).toEqual([])
})

test('with enabled: false setUsage and addUsage do nothing', async () => {
  await using app = await serveUnits('sqlite::memory:', { enabled: false })
  expect(
    await app.request((ctx) => {
      setUsage(ctx, 'tokens', 5)
      addUsage(ctx, 'nothing like it', -1)
      ctx.body = 'ok'
    }),
  ).toBe('ok')
  expect(app.errors).toEqual([])
})
