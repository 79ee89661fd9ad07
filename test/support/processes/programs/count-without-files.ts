/**
 * An app as a test of its own would use it: `off` or `:memory:`. Prints what can be read afterwards, which
 * timers our sources have set, and what lies in its folder. It never calls `close`, and ends by itself.
 */
import { readdirSync } from 'node:fs'
import Koa from 'koa'
import { apiKeyAnalytics } from '../../../../src/analytics.ts'
import { listen } from '../../apps/listen.ts'

const timers: string[] = []
for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
  const original = globalThis[name] as (...args: unknown[]) => unknown
  const counting = (...args: unknown[]) => {
    if (new Error('who sets it').stack!.includes('/src/')) timers.push(name)
    return original(...args)
  }
  Object.assign(globalThis, { [name]: counting })
}

const [how = 'off'] = process.argv.slice(2)
const analytics = apiKeyAnalytics(
  how === 'off' ? { enabled: false, endpoint: 'path' } : { database: how, endpoint: 'path' },
)
const app = new Koa()
app.use(analytics)
app.use((ctx) => {
  ctx.body = 'ok'
})
const { url, close } = await listen(app.callback())
const headers = { 'x-api-key': 'a secret of a test' }
const answer = await fetch(`${url}/users`, { headers })
const text = await answer.text()
analytics.addEndpointAccess({ id: 'key_1', name: 'Jobs' }, 'POST /jobs')
await analytics.flush()
const stats = analytics.stats()
const rows = await analytics.usage().then(
  (usage) => usage.findUsage({ by: ['method', 'endpoint'], sort: 'group' }),
  (error: Error & { code: string }) => error.code,
)
await close()
process.stdout.write(JSON.stringify({ text, stats, rows, timers, files: readdirSync('.') }))
