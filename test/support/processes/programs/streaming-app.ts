/**
 * An app that streams tokens as server-sent events, told by its argument what to use. After each chunk it sets the sum
 * so far; before that it notes it in a file, as what was about to be set. Prints its URL.
 */
import { openSync, writeSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Koa from 'koa'
import { apiKeyAnalytics, setApiKey, setUsage } from '../../../../src/index.ts'
import type { StreamingAppOptions } from '../../crash/streaming-app.ts'
import { listen } from '../../apps/listen.ts'

const { mode, setFile, chunks, ...options } = JSON.parse(process.argv[2]!) as StreamingAppOptions
if (mode === 'written') process.env['APIKEY_ANALYTICS_NO_MMAP'] = '1'
const set = openSync(setFile, 'a')
let streams = 0

const analytics = apiKeyAnalytics({ ...options, units: ['tokens'], endpoint: 'path', onError: () => {} })
const app = new Koa()
app.silent = true
app.use(analytics)
app.use((ctx) => {
  setApiKey(ctx, { id: ctx.get('x-customer') })
  const stream = new PassThrough()
  const number = (streams += 1)
  ctx.type = 'text/event-stream'
  ctx.body = stream
  // after this handler has returned and its request was counted
  setImmediate(
    () =>
      void writeChunks(stream, (tokens) => {
        writeSync(set, `${number} ${tokens}\n`)
        setUsage(ctx, 'tokens', tokens)
      }),
  )
})

async function writeChunks(stream: PassThrough, onTokens: (tokens: number) => void): Promise<void> {
  for (let chunk = 1; chunk <= chunks && !stream.destroyed; chunk += 1) {
    onTokens(chunk * 3)
    stream.write(`data: ${chunk * 3}\n\n`)
    await nextTurn()
  }
  stream.end()
}

const { url, close } = await listen(app.callback())
process.once('SIGTERM', () => void close().then(() => analytics.close()))
process.stdout.write(JSON.stringify({ url, mode: analytics.stats().mode }))
