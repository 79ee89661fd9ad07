import type { Context } from 'koa'
import { expect, test } from 'vitest'
import { KnownKeys } from '../../src/capture/key/known-keys.ts'
import type { CaptureParts } from '../../src/capture/middleware.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'
import type { QuotaState } from '../../src/model/quota.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { setDeprecation } from '../../src/web/deprecation-headers.ts'
import { setRateLimit } from '../../src/web/rate-limit-headers.ts'
import { makeMiddleware } from '../support/apps/make-middleware.ts'

/** Counts one connection of a WebSocket, whose context has no response. @returns what was counted and reported */
async function connect(tell: Pick<CaptureParts, 'tellQuotas' | 'tellDeprecation'>, key = 'a secret') {
  const errors: AnalyticsError[] = []
  let counted = 0
  const middleware = makeMiddleware({
    options: resolveOptions({ endpoint: 'path' }, {}),
    counter: { count: () => void (counted += 1), addQuantity() {} },
    knownKeys: new KnownKeys(10),
    report: (error) => void errors.push(error),
    ...tell,
  })
  const ctx = { req: { headers: { 'x-api-key': key }, method: 'GET' }, state: {}, originalUrl: '/' }
  await middleware(ctx as unknown as Context, async () => {})
  return { counted, errors: errors.map(({ code, message }) => `${code} ${message}`) }
}

test('a WebSocket gets no headers, and nothing fails', async () => {
  const quota = { of: 'key', unit: 'requests', per: 'day', limit: 5, remaining: 4 } as const
  const quotas = [{ ...quota, startedAt: new Date(0), resetsAt: new Date(1) } as unknown as QuotaState]
  const tell = {
    tellQuotas: (ctx: Context) => setRateLimit(ctx, quotas, 0),
    tellDeprecation: (ctx: Context) =>
      setDeprecation(ctx, { deprecation: '@1', sunset: undefined, link: undefined }),
  }
  expect(await connect(tell)).toEqual({ counted: 1, errors: [] })
  expect(await connect(tell, '')).toEqual({ counted: 0, errors: [] })
})

test('headers that cannot be set are no missing count', async () => {
  const fail = () => {
    throw new Error('This context takes no headers.')
  }
  const errors = ['INTERNAL Setting headers of a response failed; its count is not affected. See the cause.']
  expect(await connect({ tellQuotas: fail })).toEqual({ counted: 1, errors })
  expect(await connect({ tellDeprecation: fail })).toEqual({ counted: 1, errors })
})
