/** The app of `bench:self-service`: customers ask for their usage, others for something cheap. Says its port to its parent. */
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { apiKeyAnalytics, apiKeyUsage, setApiKey } from '../../dist/index.js'

const [database = '', dataDir = ''] = process.argv.slice(2)
const app = new Koa()
app.use(apiKeyAnalytics({ database, dataDir, endpoint: 'path' }))
app.use((ctx, next) => {
  const owner = ctx.get('x-owner')
  if (owner) setApiKey(ctx, { id: `key of ${owner}`, owner })
  return next()
})
app.use(apiKeyUsage({ maxPerMinute: 60_000 }))
app.use((ctx) => {
  ctx.body = { pong: true }
})
const server = app.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
// longer than any pause of the bench: a connection that is closed while it is used again fails
server.keepAliveTimeout = 120_000
