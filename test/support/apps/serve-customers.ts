import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Koa from 'koa'
import type { Context } from 'koa'
import { apiKeyAnalytics, apiKeyUsage, setApiKey } from '../../../src/index.ts'
import type {
  AnalyticsError,
  AnalyticsOptions,
  ApiKey,
  ApiKeyAnalytics,
  ApiKeyUsageOptions,
} from '../../../src/index.ts'

/** An answer of the app, with the JSON that the tests look at. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests say what is in it
  readonly body: any
}

/** An app with `apiKeyUsage` behind an authentication that takes whoever the test says. */
export interface CustomersApp extends AsyncDisposable {
  readonly analytics: ApiKeyAnalytics
  readonly errors: AnalyticsError[]
  readonly url: string
  /** Asks as `identity`: what the app's authentication gives to `setApiKey`; undefined calls it not at all. */
  ask(identity: unknown, query?: string, init?: RequestInit & { path?: string }): Promise<Answered>
}

/** Serves one `apiKeyUsage` for each of the options; the first one at `/v1/usage` where it says no path. */
export async function serveCustomers(
  database: string,
  usages: readonly ApiKeyUsageOptions[],
  options: AnalyticsOptions = {},
  build: (app: Koa) => void = () => {},
): Promise<CustomersApp> {
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  const errors: AnalyticsError[] = []
  const identities = new Map<string, unknown>()
  let asked = 0
  const analytics = apiKeyAnalytics({
    database,
    dataDir,
    flushIntervalMs: 3_600_000,
    endpoint: 'path',
    onError: (error) => void errors.push(error),
    ...options,
  })
  const app = new Koa()
  app.silent = true
  app.use(analytics)
  app.use((ctx: Context, next) => {
    const identity = identities.get(ctx.get('x-test'))
    if (identity !== undefined) setApiKey(ctx, identity as ApiKey)
    return next()
  })
  for (const usage of usages) app.use(apiKeyUsage(usage))
  build(app)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    analytics,
    errors,
    url,
    async ask(identity, query = '', { path = '/v1/usage', ...init } = {}) {
      const test = String((asked += 1))
      identities.set(test, identity)
      const answer = await fetch(`${url}${path}${query}`, {
        ...init,
        headers: { 'x-test': test, ...(init.headers as Record<string, string>) },
      })
      const text = await answer.text()
      const isJson = answer.headers.get('content-type')?.includes('json')
      return {
        status: answer.status,
        headers: answer.headers,
        body: isJson && text ? JSON.parse(text) : text,
      }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await analytics.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
