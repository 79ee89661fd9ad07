import type { Context } from 'koa'
import { afterEach, expect, test, vi } from 'vitest'
import { createCountAccess, type EndpointAccess } from '../../src/capture/count-access.ts'
import { KnownKeys } from '../../src/capture/key/known-keys.ts'
import { createReadKey } from '../../src/capture/key/read-key.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { makeMiddleware } from '../support/apps/make-middleware.ts'

afterEach(() => vi.restoreAllMocks())

function fail(error: Error): never {
  throw error
}

/** What the counter gets for one request whose handler does `handle`. */
async function measure(handle: () => void): Promise<number | undefined> {
  const counted: (number | undefined)[] = []
  const middleware = makeMiddleware({
    options: resolveOptions({}, {}),
    counter: { count: (_key, _operation, _status, durationUs) => counted.push(durationUs), addQuantity() {} },
    knownKeys: new KnownKeys(10),
    report: fail,
  })
  const req = { headers: { 'x-api-key': 'a secret' }, method: 'GET' }
  const ctx = { req, res: { statusCode: 404 }, state: {}, originalUrl: '/' }
  await middleware(ctx as unknown as Context, async () => handle())
  expect(counted).toHaveLength(1)
  return counted[0]
}

/** What the counter gets for one access that code reports. */
function report(access: Partial<EndpointAccess>): number | undefined {
  const counted: (number | undefined)[] = []
  const count = createCountAccess({
    readKey: createReadKey({ pepper: undefined, maxKeys: 10 }, fail),
    counter: { count: (_key, _operation, _status, durationUs) => counted.push(durationUs), addQuantity() {} },
    knownKeys: new KnownKeys(10),
    options: { maxEndpointLength: 100, units: [] },
  })
  count('a secret', { method: 'POST', endpoint: '/jobs', ...access })
  return counted[0]
}

test('a request took whole microseconds, whatever the clock on the wall did meanwhile', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000)
  const durationUs = await measure(() => {
    vi.spyOn(Date, 'now').mockReturnValue(0)
    now.mockReturnValue(1002.5004)
  })
  expect(durationUs).toBe(2500)
})

test('a request never took less than nothing', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000)
  expect(await measure(() => void now.mockReturnValue(999))).toBe(0)
})

test('an access that code reports took what it says, and nobody knows how long where it says nothing', () => {
  expect(report({ durationMs: 1.5004 })).toBe(1500)
  expect(report({ durationMs: 0 })).toBe(0)
  expect(report({})).toBeUndefined()
  expect(report({ durationMs: null as unknown as undefined })).toBeUndefined()
})

test.each([-1, Number.NaN, Infinity, 1e12])('an access that took %s ms is refused', (durationMs) => {
  expect(() => report({ durationMs })).toThrow(/durationMs is .*, expected 0 to 31536000000/)
})
