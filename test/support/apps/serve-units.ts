import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Koa from 'koa'
import type { Context } from 'koa'
import { startAnalytics } from '../../../src/analytics.ts'
import type { ApiKeyAnalytics } from '../../../src/api-key-analytics.ts'
import type { AnalyticsError } from '../../../src/model/errors.ts'
import type { AnalyticsOptions } from '../../../src/options/options.ts'
import { findUsage } from '../../../src/store/read/find-usage.ts'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import { stringifyJson } from '../../../src/json/stringify-json.ts'
import { verifyUsage } from '../../../src/store/verify/verify-usage.ts'
import type { UsageDimension } from '../../../src/model/usage-query.ts'
import { listen } from './listen.ts'
import { HOUR } from '../usage/make-batch.ts'

/** A Koa app that counts units for real, in this process, by a clock that the test moves. */
export interface UnitsApp extends AsyncDisposable {
  readonly analytics: ApiKeyAnalytics
  readonly errors: AnalyticsError[]
  readonly dataDir: string
  readonly url: string
  /** Epoch milliseconds, one minute into `HOUR` at first. */
  now: number
  /** Sends a request that `handle` answers. @returns its text, once the whole answer is here */
  request(handle: (ctx: Context) => unknown, options?: { key?: string; path?: string }): Promise<string>
  /** Flushes, and reads the quantities by key (or by other dimensions), as `{ acme: { requests: 2, tokens: [1, 9n] } }`. */
  read(by?: UsageDimension): Promise<Record<string, Quantities>>
}

/** Requests of a group, and of each unit the requests with it and their quantity. */
export type Quantities = { readonly requests: number } & {
  readonly [unit: string]: number | readonly [requests: number, quantity: bigint]
}

export async function serveUnits(
  database: string,
  options: AnalyticsOptions = {},
  makeApp = () => new Koa(),
): Promise<UnitsApp> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  const errors: AnalyticsError[] = []
  const handlers = new Map<string, (ctx: Context) => unknown>()
  let sent = 0
  let now = HOUR + 60_000
  const analytics = startAnalytics(
    {
      database,
      flushIntervalMs: 3_600_000,
      units: ['tokens', 'rows'],
      identify: (ctx) => ({ id: ctx.get('x-customer') }),
      endpoint: 'path',
      onError: (error) => void errors.push(error),
      ...options,
      dataDir,
    },
    () => now,
  )
  const app = makeApp()
  app.silent = true
  app.use(analytics)
  app.use((ctx) => handlers.get(ctx.get('x-handler'))!(ctx))
  const { url, close } = await listen(app.callback())
  return {
    analytics,
    errors,
    dataDir,
    url,
    get now() {
      return now
    },
    set now(time) {
      now = time
    },
    async request(handle, { key = 'acme', path = '/' } = {}) {
      const handler = String((sent += 1))
      handlers.set(handler, handle)
      const response = await fetch(url + path, { headers: { 'x-customer': key, 'x-handler': handler } })
      return response.text()
    },
    async read(by = 'key') {
      await analytics.flush()
      return readQuantities(database, by)
    },
    async [Symbol.asyncDispose]() {
      await close()
      await analytics.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** The quantities by key label, or by other dimensions; the database must balance. */
export async function readQuantities(
  database: string,
  by: UsageDimension = 'key',
): Promise<Record<string, Quantities>> {
  const db = await openDatabase(database)
  try {
    const account = await verifyUsage(db)
    if (!account.balanced) throw new Error(`It does not balance: ${stringifyJson(account)}`)
    const rows = await findUsage(db, { by: [by], units: true })
    return Object.fromEntries(
      rows.map((row) => {
        const name = row[by]
        const group = typeof name === 'object' && name && 'label' in name ? name.label : String(name)
        const units = (row.quantities ?? []).map((one) => [one.unit, [one.requestCount, one.quantity]])
        return [group, { requests: row.requestCount, ...Object.fromEntries(units) }]
      }),
    )
  } finally {
    await db.close()
  }
}
