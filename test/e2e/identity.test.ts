import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { Router } from '@koa/router'
import type Koa from 'koa'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { setApiKey } from '../../src/capture/key/set-api-key.ts'
import type { ApiKey } from '../../src/model/key.ts'
import { toCountedKey } from '../../src/model/request-counter.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../src/model/key.ts'
import { KOA_VERSIONS, serveApp } from '../support/apps/serve-app.ts'

const SECRET = 'sk_live_51H8xABCDEFGHIJKLMNOP'
const SECRET_ID = uuid(createHash('sha256').update(`secret:${SECRET}`).digest('hex'))
const OWN_ID = '0b7f9d1c-8c5e-4f0e-9a51-6f1f3f3f9a10'

function uuid(hex: string): string {
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Answers 200 on `/open`, and on `/as/401` the status that the path names. */
function answering(before?: Koa.Middleware): (app: Koa) => void {
  const router = new Router()
  router.get('/open', (ctx) => {
    ctx.body = 'ok'
  })
  router.get('/as/:status', (ctx) => {
    ctx.status = Number(ctx.params['status'])
  })
  return (app) => {
    if (before) app.use(before)
    app.use(router.routes()).use(router.allowedMethods())
  }
}

function giving(key: ApiKey | null): Koa.Middleware {
  return (ctx, next) => {
    setApiKey(ctx, key)
    return next()
  }
}

function state(apiKey: unknown): Koa.Middleware {
  return async (ctx, next) => {
    ctx.state.apiKey = apiKey
    await next()
  }
}

describe.each(KOA_VERSIONS)('with %s', (_version, App) => {
  test.each<[string, Record<string, string>]>([
    ['Authorization: Api-Key', { authorization: `Api-Key ${SECRET}` }],
    ['Authorization with the keyword in another case', { authorization: `aPI-kEY ${SECRET}` }],
    ['Authorization with blanks and tabs', { authorization: ` Api-Key \t  ${SECRET}  ` }],
    ['X-API-Key', { 'X-Api-Key': SECRET }],
    ['X-API-Key beside a Bearer token', { authorization: 'Bearer abc', 'x-api-key': SECRET }],
    ['X-API-Key beside an empty Api-Key', { authorization: 'Api-Key ', 'x-api-key': SECRET }],
    ['Authorization before X-API-Key', { authorization: `Api-Key ${SECRET}`, 'x-api-key': 'another' }],
  ])('finds the key in %s', async (_name, headers) => {
    await using served = await serveApp(answering(), {}, App)
    await fetch(`${served.url}/open`, { headers })
    expect(served.counted).toMatchObject([
      { key: { id: SECRET_ID, label: 'sk_l…MNOP', name: null, owner: null } },
    ])
  })
})

test.each<[string, string, Record<string, string>]>([
  ['without any key', '/open', {}],
  ['with a key in the query string', `/open?api_key=${SECRET}&x-api-key=${SECRET}`, {}],
  ['with a Bearer token', '/open', { authorization: `Bearer ${SECRET}` }],
  ['with another scheme that begins like ours', '/open', { authorization: `Api-Keys ${SECRET}` }],
  ['with the keyword alone', '/open', { authorization: 'Api-Key' }],
  ['with a blank key', '/open', { 'x-api-key': '   ' }],
])('does not count a request %s', async (_name, path, headers) => {
  await using served = await serveApp(answering())
  await fetch(served.url + path, { headers })
  expect(served.counted).toEqual([])
  await fetch(`${served.url}/open`, { headers: { 'x-api-key': SECRET } })
  expect(served.counted).toHaveLength(1)
})

test('looks where keyword and header say', async () => {
  await using served = await serveApp(answering(), { keyword: 'Bearer', header: 'X-Token' })
  for (const headers of [
    { authorization: `bearer ${SECRET}` },
    { 'x-token': SECRET },
    { 'x-api-key': SECRET },
  ]) {
    await fetch(`${served.url}/open`, { headers: headers as Record<string, string> })
  }
  expect(served.counted.map(({ key }) => key.id)).toEqual([SECRET_ID, SECRET_ID])
})

test('takes repeated key headers as one key that is not known', async () => {
  await using served = await serveApp(answering())
  const headers = ['X-Api-Key', SECRET, 'X-Api-Key', SECRET, 'Host', 'localhost']
  const [response] = await once(request(`${served.url}/as/403`, { headers }).end(), 'response')
  response.resume()
  expect(served.counted).toMatchObject([{ key: REJECTED_KEY, status: 403 }])
})

test('takes the first value of a header that Node gives as a list', async () => {
  await using served = await serveApp(answering(), { header: 'Set-Cookie' })
  const headers = ['Set-Cookie', SECRET, 'Set-Cookie', 'another', 'Host', 'localhost']
  const [response] = await once(request(`${served.url}/open`, { headers }).end(), 'response')
  response.resume()
  expect(served.counted).toMatchObject([{ key: { id: SECRET_ID } }])
})

test('computes ids with the pepper', async () => {
  await using served = await serveApp(answering(), { pepper: 'salt and more' })
  await fetch(`${served.url}/open`, { headers: { 'x-api-key': SECRET } })
  const id = uuid(createHmac('sha256', 'salt and more').update(`secret:${SECRET}`).digest('hex'))
  expect(served.counted).toMatchObject([{ key: { id } }])
})

describe('what the app itself says', () => {
  const headers = { 'x-api-key': 'of-the-header' }

  test.each<[string, ApiKey, object]>([
    ['a secret', SECRET, { id: SECRET_ID, label: 'sk_l…MNOP' }],
    ['a UUID', { id: OWN_ID.toUpperCase(), name: 'Export' }, { id: OWN_ID, name: 'Export', owner: null }],
    [
      'an id of its own',
      { id: 'key_42', owner: 'ACME' },
      { id: uuid(createHash('sha256').update('id:key_42').digest('hex')), label: 'key_42', owner: 'ACME' },
    ],
    ['a number', { id: 42 }, { id: uuid(createHash('sha256').update('id:42').digest('hex')), label: '42' }],
  ])('is taken from setApiKey and from ctx.state.apiKey: %s', async (_name, given, key) => {
    for (const middleware of [giving(given), state(given)]) {
      await using served = await serveApp(answering(middleware))
      await fetch(`${served.url}/as/403`, { headers })
      expect(served.counted).toMatchObject([{ key, status: 403 }])
    }
  })

  test('goes setApiKey, identify, and else ctx.state.apiKey before the headers', async () => {
    const names = async (before: Koa.Middleware, identify?: () => ApiKey | undefined) => {
      await using served = await serveApp(answering(before), { identify })
      await fetch(`${served.url}/open`, { headers })
      return served.counted.map(({ key }) => key.label)
    }
    const both: Koa.Middleware = (ctx, next) => {
      ctx.state.apiKey = { id: 'state' }
      return giving({ id: 'set' })(ctx, next)
    }
    expect(await names(both, () => ({ id: 'identified' }))).toEqual(['set'])
    expect(await names(state({ id: 'state' }), () => ({ id: 'identified' }))).toEqual(['identified'])
    expect(await names(state({ id: 'state' }))).toEqual(['state'])
    expect(await names(giving(null))).toEqual([expect.stringMatching(/^key-[0-9a-f]{8}$/)])
    expect(await names(state({ id: 'state' }), () => undefined)).toEqual([])
  })

  test('reaches the counter from an identify that answers later, before the response is sent', async () => {
    await using served = await serveApp(answering(), {
      identify: async (ctx) => {
        await new Promise((resolve) => setImmediate(resolve))
        return { id: `late ${ctx.status}` }
      },
    })
    await fetch(`${served.url}/as/403`)
    expect(served.counted).toMatchObject([{ key: { label: 'late 403' }, status: 403 }])
  })

  test.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error(`cannot find ${SECRET}`)
      },
    ],
    ['rejects', () => Promise.reject(new Error(`cannot find ${SECRET}`))],
    [
      'gives an object that throws when read',
      () =>
        ({
          get id() {
            throw new Error(SECRET)
          },
        }) as never,
    ],
  ])('is (other), and reported, when identify %s', async (_name, identify) => {
    await using served = await serveApp(answering(), { identify })
    expect((await fetch(`${served.url}/open`)).status).toBe(200)
    expect((await fetch(`${served.url}/as/401`)).status).toBe(401)
    expect(served.counted.map(({ key }) => key)).toEqual([OTHER_KEY, OTHER_KEY])
    expect(served.errors.map(({ code }) => code)).toEqual(['IDENTIFY_FAILED', 'IDENTIFY_FAILED'])
    expect(served.errors.map(({ message }) => message).join()).not.toContain(SECRET)
  })

  test('is (other), and reported, when identify does not answer within five seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<ApiKey>()
    const identify = () => {
      asked.resolve()
      return answer.promise
    }
    await using served = await serveApp(answering(), { identify })
    const response = fetch(`${served.url}/open`)
    await asked.promise
    await vi.advanceTimersByTimeAsync(4999)
    expect(served.counted).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect((await response).status).toBe(200)
    answer.resolve({ id: 'too late' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(served.counted).toMatchObject([{ key: OTHER_KEY, status: 200 }])
    expect(served.errors).toMatchObject([
      { code: 'IDENTIFY_FAILED', cause: { message: 'identify did not answer within 5000 ms.' } },
    ])
  })

  test('is nothing when it has no usable id, and that is reported once', async () => {
    for (const unusable of [{}, { id: '' }, { id: Number.NaN }, { id: {} }, 5, true, []]) {
      await using served = await serveApp(answering(state(unusable)))
      await fetch(`${served.url}/open`)
      await fetch(`${served.url}/open`, { headers })
      expect(served.counted.map(({ key }) => key.label)).toEqual([expect.stringMatching(/^key-/)])
      expect(served.errors.map(({ code }) => code)).toEqual(['IDENTIFY_FAILED'])
    }
  })

  test('is (other), and reported, when it is a reserved id', async () => {
    for (const id of [REJECTED_KEY.id, OTHER_KEY.id.toUpperCase(), '(rejected)', '(Other)']) {
      await using served = await serveApp(answering(giving({ id, name: 'me' })))
      await fetch(`${served.url}/open`)
      expect(served.counted).toMatchObject([{ key: OTHER_KEY }])
      expect(served.errors).toMatchObject([{ code: 'IDENTIFY_FAILED' }])
    }
  })
})

describe('a key from a header', () => {
  const get = (url: string, path: string, method = 'GET') =>
    fetch(url + path, { method, headers: { 'x-api-key': SECRET } })

  test.each([
    ['/as/401', '(rejected)'],
    ['/as/403', '(rejected)'],
    ['/as/404', '(other)'],
    ['/as/500', '(other)'],
    ['/nowhere', '(other)'],
  ])('that nobody knows is counted for %s under %s', async (path, label) => {
    await using served = await serveApp(answering())
    await get(served.url, path)
    expect(served.counted.map(({ key }) => key.label)).toEqual([label])
    const identity = { id: SECRET_ID, label: '', name: null, owner: null }
    expect(served.knownKeys.has(toCountedKey(identity))).toBe(false)
  })

  test('keeps its own row after it was let in once, refused or not', async () => {
    await using served = await serveApp(answering())
    for (const path of ['/as/401', '/open', '/as/401', '/nowhere']) await get(served.url, path)
    expect(served.counted.map(({ key }) => key.id)).toEqual([
      REJECTED_KEY.id,
      SECRET_ID,
      SECRET_ID,
      SECRET_ID,
    ])
  })

  test('has its own row when the database knows it', async () => {
    await using served = await serveApp(answering())
    served.knownKeys.replace([SECRET_ID])
    await get(served.url, '/as/403')
    expect(served.counted).toMatchObject([{ key: { id: SECRET_ID }, status: 403 }])
  })

  test('has its own row when the app gave the same secret before', async () => {
    await using served = await serveApp(
      answering((ctx, next) => (ctx.path === '/open' ? giving(SECRET)(ctx, next) : next())),
    )
    await fetch(`${served.url}/open`)
    await get(served.url, '/as/429')
    expect(served.counted.map(({ key }) => key.id)).toEqual([SECRET_ID, SECRET_ID])
  })

  test('is not let in by a preflight or by an answer outside of all routes', async () => {
    await using served = await serveApp(
      answering((ctx, next) => {
        if (ctx.path !== '/static') return next()
        ctx.body = 'ok'
        return undefined
      }),
    )
    expect((await get(served.url, '/open', 'OPTIONS')).status).toBe(200)
    expect((await get(served.url, '/static')).status).toBe(200)
    expect(served.counted).toMatchObject([{ key: OTHER_KEY }, { key: OTHER_KEY, endpoint: '(unmatched)' }])
  })

  test('is let in on any path when endpoints are paths', async () => {
    await using served = await serveApp(
      (app) =>
        app.use((ctx) => {
          ctx.body = 'ok'
        }),
      { endpoint: 'path' },
    )
    await get(served.url, '/static')
    expect(served.counted).toMatchObject([{ key: { id: SECRET_ID }, endpoint: '/static' }])
  })
})

test('leaves no secret in what is counted or reported', async () => {
  await using served = await serveApp(answering(), { pepper: 'the pepper itself' })
  const secrets = [SECRET, 'short-one', 'exactly-19-letters!']
  for (const secret of secrets) {
    for (const path of ['/open', '/as/401', `/open?key=${secret}`]) {
      await fetch(served.url + path, { headers: { authorization: `Api-Key ${secret}` } })
    }
  }
  const left = JSON.stringify([served.counted, served.errors])
  expect(served.counted).toHaveLength(9)
  for (const secret of [...secrets, 'the pepper itself']) expect(left).not.toContain(secret)
  expect(served.counted.at(-1)?.key.label).toMatch(/^key-[0-9a-f]{8}$/)
})
