/**
 * A small app, bare or with the middleware, as its argument says: an app that has just listened is what `bench:start`
 * looks at. Reports its port, and, when asked for it, how it went since; ends when its parent does.
 */
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { makeSampleApp } from './peers/sample-app.ts'

/** Without `database` the app is bare. */
export interface StartAppOptions {
  readonly dataDir: string
  readonly flushIntervalMs: number
  readonly database?: string
}

/** What the parent reads. */
export interface StartAppMessage {
  readonly port: number
  /** The longest time that the event loop did nothing for others since the app began to listen. */
  readonly longestStallMs: number
  /** Flushes that went well. */
  readonly flushes: number
  readonly cpuMs: number
  readonly memoryMb: number
}

/** Node's own clock for the event loop looks as often as this. */
const RESOLUTION_MS = 1

const { database, dataDir, flushIntervalMs } = JSON.parse(process.argv[2]!) as StartAppOptions
const { apiKeyAnalytics } = database ? await import('../../dist/index.js') : {}
const analytics = apiKeyAnalytics?.({ dataDir, flushIntervalMs, database: database! })
const app = await makeSampleApp((koa) => void (analytics && koa.use(analytics)))
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
let flushes = 0
let lastFlushAt: Date | undefined

delay.enable()
const server = app.listen(0, '127.0.0.1', report)
process.on('message', report)
process.on('disconnect', () => process.exit())

function report(): void {
  const flushedAt = analytics?.stats().lastFlushAt
  if (flushedAt !== lastFlushAt) flushes += 1
  lastFlushAt = flushedAt
  process.send!({
    port: (server.address() as AddressInfo).port,
    longestStallMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
    flushes,
    cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
    memoryMb: process.memoryUsage().rss / 2 ** 20,
  } satisfies StartAppMessage)
}
