import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { startAnalytics } from '../analytics.ts'
import type { ApiKeyAnalytics } from '../api-key-analytics.ts'
import type { AnalyticsError } from '../model/errors.ts'
import { loadKoa } from '../web/load-koa.ts'
import { createSampleApi, createSampleRouter, SAMPLE_UNITS } from './sample-api.ts'
import type { SampleKey } from './sample-api.ts'
import { createRandom, requestsOf, REVOKED_FROM_DAY, SAMPLE_CLIENTS, TRIAL } from './sample-traffic.ts'
import type { SampleRequest } from './sample-traffic.ts'
import { DAY_MS, HOUR_MS } from '../time/units.ts'

const HOURS = 7 * 24
const SUNSET_DAYS = 90
/** Few enough that one counter file is always free for the next hour. */
const HOURS_PER_FLUSH = 2

export interface WeekOptions {
  readonly database: string
  readonly dataDir: string
  readonly onError: (error: AnalyticsError) => void
  /** The end of the week, epoch milliseconds. */
  readonly until: number
}

/**
 * Serves the sample API on loopback and sends it a week of real requests within seconds: only the clock of the
 * analytics is moved.
 * @returns how many requests were answered
 * @throws KOA_NOT_FOUND
 */
export async function playWeek({ until, ...options }: WeekOptions): Promise<number> {
  const Koa = await loadKoa()
  const start = Math.floor(until / HOUR_MS) * HOUR_MS - HOURS * HOUR_MS
  let now = start
  const dayOf = (time: number) => Math.floor((time - start) / (24 * HOUR_MS))
  const clients = SAMPLE_CLIENTS.map((client) => ({ client, secret: makeSecret() }))
  const keys = {
    all: new Map<string, SampleKey>(
      clients.flatMap(({ client: { key }, secret }) => (key ? [[secret, key]] : [])),
    ),
    isRevoked: (key: SampleKey) => key.id === TRIAL.id && dayOf(now) >= REVOKED_FROM_DAY,
  }
  const router = createSampleRouter(keys)
  const analytics = startAnalytics(
    { ...options, units: SAMPLE_UNITS, routes: [router], release: '1.0.0' },
    () => now,
  )
  const server = createSampleApi(new Koa(), analytics, router).listen(0, '127.0.0.1')
  // Node ends connections that are idle for five seconds. A machine may be busy for as long, and the request after that
  // would fail.
  server.keepAliveTimeout = 0
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let answered = 0
  try {
    for (let hour = 0; hour < HOURS; hour++) {
      now = start + hour * HOUR_MS + HOUR_MS / 2
      const time = { day: dayOf(now), hour: new Date(now).getUTCHours() }
      const sent = clients.flatMap(({ client, secret }, index) =>
        requestsOf(client, time, createRandom(seedOf(index, time))).map((request) =>
          send(url, secret, request),
        ),
      )
      await Promise.all(sent)
      answered += sent.length
      if (hour % HOURS_PER_FLUSH === 1) await analytics.flush()
    }
    await analytics.flush()
    await setUp(analytics, until)
  } finally {
    await analytics.close()
    server.close()
    server.closeAllConnections()
  }
  return answered
}

/** One customer has quotas: of the month, and of the day for one of its keys. One route is deprecated. */
async function setUp(analytics: ApiKeyAnalytics, until: number): Promise<void> {
  const usage = await analytics.usage()
  const [shop] = await usage.findKeys('Web shop')
  await usage.setQuota({ owner: 'Acme', unit: 'requests', per: 'month', limit: 4000 })
  if (shop) await usage.setQuota({ keyId: shop.id, unit: 'requests', per: 'day', limit: 500 })
  const sunset = new Date(Math.floor(until / DAY_MS + SUNSET_DAYS) * DAY_MS)
  await usage.deprecateRoute({ method: 'GET', endpoint: '/v1/reports/:year', since: new Date(until), sunset })
  await usage.close()
}

/** Seeds by day and hour, which occur once in a week: the requests are the same each time the week is played. */
function seedOf(client: number, { day, hour }: { day: number; hour: number }): number {
  return (client * 7 + day) * 24 + hour
}

function makeSecret(): string {
  return `sk_demo_${randomBytes(18).toString('base64url')}`
}

async function send(url: string, secret: string, { method, path, etag }: SampleRequest): Promise<void> {
  // With an ETag fetch would also send "no-cache", and the API would never answer 304.
  const condition = etag && { 'if-none-match': etag, 'cache-control': 'max-age=0' }
  const headers = { 'x-api-key': secret, ...condition }
  const response = await fetch(url + path, { method, headers })
  await response.arrayBuffer()
}
