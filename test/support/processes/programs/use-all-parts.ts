/**
 * An app that uses every part once, and then only closes its server: must end by itself. Its argument has the URL of
 * a migrated database, the data folder, and whether the parts are closed as well.
 */
import Koa from 'koa'
import { analyticsDashboard, apiKeyAnalytics, openUsage } from '../../../../src/index.ts'
import { listen } from '../../apps/listen.ts'

const { database, dataDir, close } = JSON.parse(process.argv[2]!) as {
  database: string
  dataDir: string
  close: boolean
}
const analytics = apiKeyAnalytics({ database, dataDir })
const dashboard = analyticsDashboard({ database, dataDir, authorize: () => true })
const app = new Koa()
app.use(analytics)
app.use(dashboard)
app.use((ctx) => {
  ctx.body = 'served'
})
const { url, close: closeServer } = await listen(app.callback())
const served = await (await fetch(url, { headers: { 'x-api-key': 'secret of the test' } })).text()
analytics.addEndpointAccess({ id: 'job' }, 'POST /jobs')
await analytics.flush()
const report = (await (await fetch(`${url}/usage/api/report`)).json()) as { total: { requests: number } }
const usage = await openUsage(database)
const [total] = await usage.findUsage({})
await closeServer()
if (close) await Promise.all([analytics.close(), dashboard.close(), usage.close()])
process.stdout.write(JSON.stringify([served, report.total.requests, total?.requestCount]))
