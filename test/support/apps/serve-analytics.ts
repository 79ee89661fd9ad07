import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Koa from 'koa'
import { startAnalytics } from '../../../src/analytics.ts'
import type { ApiKeyAnalytics } from '../../../src/api-key-analytics.ts'
import { setUsage } from '../../../src/capture/usage/set-usage.ts'
import type { AnalyticsError } from '../../../src/model/errors.ts'
import type { AnalyticsOptions } from '../../../src/options/options.ts'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import { verifyUsage, type VerifyResult } from '../../../src/store/verify/verify-usage.ts'
import { listen } from './listen.ts'

/** What each request uses. */
export const TOKENS_PER_REQUEST = 3

/** A Koa app that counts for real, in this process, by a clock that the test may move. */
export interface ServedAnalytics extends AsyncDisposable {
  readonly analytics: ApiKeyAnalytics
  readonly errors: AnalyticsError[]
  readonly dataDir: string
  /** Requests answered so far. */
  readonly answered: number
  /** Moves its clock. */
  passTime(milliseconds: number): void
  /** Sends requests one after the other, to as many endpoints of one key as asked for. */
  request(times: number, options?: { key?: string; endpoints?: number }): Promise<void>
}

export async function serveAnalytics(
  options: AnalyticsOptions & { readonly database: string },
): Promise<ServedAnalytics> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  const errors: AnalyticsError[] = []
  let ahead = 0
  let answered = 0
  const analytics = startAnalytics(
    {
      flushIntervalMs: 3_600_000,
      identify: (ctx) => ({ id: ctx.get('x-customer') }),
      endpoint: 'path',
      units: ['tokens'],
      onError: (error) => void errors.push(error),
      ...options,
      dataDir,
    },
    () => Date.now() + ahead,
  )
  const app = new Koa()
  app.use(analytics)
  app.use((ctx) => {
    setUsage(ctx, 'tokens', TOKENS_PER_REQUEST)
    ctx.body = 'ok'
  })
  const { url, close } = await listen(app.callback())
  return {
    analytics,
    errors,
    dataDir,
    get answered() {
      return answered
    },
    passTime(milliseconds) {
      ahead += milliseconds
    },
    async request(times, { key = 'acme', endpoints = 3 } = {}) {
      for (let time = 0; time < times; time += 1) {
        const response = await fetch(`${url}/${time % endpoints}`, { headers: { 'x-customer': key } })
        if ((await response.text()) === 'ok') answered += 1
      }
    },
    async [Symbol.asyncDispose]() {
      await close()
      await analytics.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** The accounts of a database. */
export async function readAccount(url: string): Promise<VerifyResult> {
  const db = await openDatabase(url)
  try {
    return await verifyUsage(db)
  } finally {
    await db.close()
  }
}
