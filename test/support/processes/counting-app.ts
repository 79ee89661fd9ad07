/** An app as a user would write it, told by its argument what to use; prints its URL, ends well when told to terminate. */
import type { AddressInfo } from 'node:net'
import { Router } from '@koa/router'
import Koa from 'koa'
import { addUsage, apiKeyAnalytics, setApiKey, setUsage } from '../../../src/index.ts'
import type { CountingAppOptions } from '../counting-app.ts'

// In a container every process has the same id, the dead one as well as the one that recovers it.
Object.defineProperty(process, 'pid', { value: 1 })
const { mode, ...options } = JSON.parse(process.argv[2]!) as CountingAppOptions
if (mode === 'written') process.env['APIKEY_ANALYTICS_NO_MMAP'] = '1'

const analytics = apiKeyAnalytics({ ...options, units: ['tokens', 'rows'], onError: () => {} })
const router = new Router()
router.get('/users/:id', (ctx) => {
  ctx.body = { id: ctx.params['id'] }
})
router.post('/orders', (ctx) => {
  ctx.status = 201
})
router.get('/broken', () => {
  throw new Error('This handler always throws.')
})

const app = new Koa()
app.silent = true
app.use(analytics)
app.use(async (ctx, next) => {
  setApiKey(ctx, { id: ctx.get('x-customer') })
  // one unit at once, one when the answer is out: what is added late is acknowledged to nobody
  setUsage(ctx, 'tokens', Number(ctx.get('x-tokens')))
  ctx.res.once('finish', () => addUsage(ctx, 'rows', 3))
  await next()
})
app.use(router.routes())
const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(JSON.stringify({ url: `http://127.0.0.1:${port}`, mode: analytics.stats().mode }))
})
process.once('SIGTERM', () => {
  server.close(() => void analytics.close())
  server.closeAllConnections()
})
