/** An app as a user would write it, told by its argument what to use; prints its URL, ends well when told to terminate. */
import { Router } from '@koa/router'
import Koa from 'koa'
import { addUsage, apiKeyAnalytics, setApiKey, setUsage } from '../../../../src/index.ts'
import type { CountingAppOptions } from '../../crash/counting-app.ts'
import { listen } from '../../apps/listen.ts'

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
const { url, close } = await listen(app.callback())
process.once('SIGTERM', () => void close().then(() => analytics.close()))
process.stdout.write(JSON.stringify({ url, mode: analytics.stats().mode }))
