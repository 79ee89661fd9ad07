/** A user's app as TypeScript sees it: it is compiled against the built package with strict settings, never run. */
import {
  addUsage,
  AnalyticsError,
  apiKeyAnalytics,
  findFindings,
  measureQuantileUs,
  mergeLatency,
  openUsage,
  setApiKey,
  setEndpoint,
  setUsage,
  type AnalyticsErrorCode,
  type AnalyticsOptions,
  type AnalyticsStats,
  type StoredUsageRow,
  type Usage,
  type UsageRow,
} from 'apikey-analytics'
import { Router } from '@koa/router'
import Koa, { type Context } from 'koa'

const router = new Router({ prefix: '/v1' })
const options: AnalyticsOptions = {
  database: 'postgres://localhost/api',
  identify: async (ctx: Context) => ({ id: 42n, name: ctx.ip, owner: null }),
  endpoint: (ctx) => ctx.path,
  routes: [router, router.routes(), { prefix: '/api', router }],
  ignore: ['/health', /^\/admin/],
  bucket: 'minute',
  units: ['tokens', 'rows'],
  onError: (error: AnalyticsError) => process.emitWarning(error.code satisfies AnalyticsErrorCode),
}
const analytics = apiKeyAnalytics(options)
const app = new Koa()
app.use(analytics)
app.use(async (ctx, next) => {
  setApiKey(ctx, { id: 'key_1', name: 'Mobile app' })
  setEndpoint(ctx, '/graphql')
  await next()
  setUsage(ctx, 'tokens', 1532)
  addUsage(ctx, 'rows', 20)
})
analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs', { usage: { tokens: 9 } })
analytics.addEndpointAccess('secret', { method: 'POST', endpoint: '/jobs', status: 201, durationMs: 1.5 })
export const stats: AnalyticsStats = analytics.stats()
export const mode: 'mapped' | 'written' | 'memory' | 'off' = stats.mode
await analytics.flush()
await analytics.close()

// what a test of the app does
const tested = apiKeyAnalytics({ database: ':memory:', enabled: process.env['COUNT'] !== 'no' })
const counted: Usage = await tested.usage()
const maybe: { since?: Date | undefined; owner?: string | undefined } = {}
export const none: UsageRow[] = await counted.findUsage({ ...maybe, limit: undefined })
await findFindings(counted, { ...maybe, rateFactor: undefined })

const usage = await openUsage()
const rows: UsageRow[] = await usage.findUsage({ by: ['key', 'month'], status: ['2xx', 404], limit: 10 })
export const name: string | null | undefined = rows[0]?.key?.name
export const most: number | undefined = (await usage.getMostAccessedEndpoints('key_1'))[0]?.requestCount
const timed: UsageRow[] = await usage.findUsage({ by: ['key'], latency: true })
const together = mergeLatency(timed.map(({ latency }) => latency))
export const p999: number | null = together && measureQuantileUs(together, 0.999)
export const slow: number[] | undefined = together?.histogram.map(({ upToUs, requests }) => upToUs * requests)
const used: UsageRow[] = await usage.findUsage({ by: ['key'], units: true })
export const tokens: bigint | undefined = used[0]?.quantities?.find(({ unit }) => unit === 'tokens')?.quantity
for await (const page of usage.streamUsage({ since: new Date(0) })) page satisfies readonly StoredUsageRow[]
// @ts-expect-error -- a bucket of no known width
apiKeyAnalytics({ bucket: 'week' })
// @ts-expect-error -- an option that is not there
apiKeyAnalytics({ databse: 'postgres://localhost/api' })
// @ts-expect-error -- a key without an id
setApiKey({} as Context, { name: 'Mobile app' })
// @ts-expect-error -- nothing to group by
await usage.findUsage({ by: ['colour'] })
// @ts-expect-error -- no class of statuses
await usage.findUsage({ status: '6xx' })
// @ts-expect-error -- the code is one of ours
export const unheardOf = new AnalyticsError('UNHEARD_OF', 'What?')
