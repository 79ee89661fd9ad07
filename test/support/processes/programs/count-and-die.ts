/**
 * Counts in cycles of three minutes with a flush after each, and notes every request in a file when it is counted: the
 * size of that file is the number of requests acknowledged. The size of a second file is the number of tokens that they
 * set: some with the request, some after it was counted. Within a cycle batches wait while buckets pass, so that
 * further files are opened and later used again. The minutes are made, not waited for.
 */
import { openSync, writeSync } from 'node:fs'
import type { Context } from 'koa'
import { addUsage, apiKeyAnalytics, setApiKey, setEndpoint, setUsage } from '../../../../src/index.ts'
import { TOKENS_AT_ONCE, TOKENS_LATE } from '../../crash/counter-child.ts'
import type { CounterOptions } from '../../crash/counter-child.ts'
import { dieAt } from '../die-at.ts'

const MINUTE_MS = 60_000

const given = JSON.parse(process.argv[2]!) as CounterOptions
if (given.mode === 'written') process.env['APIKEY_ANALYTICS_NO_MMAP'] = '1'
if (given.moment) dieAt(given.moment)
// In a container every process has the same id, the dead one as well as the one that recovers it.
Object.defineProperty(process, 'pid', { value: 1 })
let now = Date.now()
Date.now = () => now

const acknowledged = openSync(given.acknowledged, 'a')
const tokens = openSync(`${given.acknowledged}-tokens`, 'a')
const { database, dataDir, cells = 5, cycles = 8, flush = true } = given
const options = {
  database,
  dataDir,
  bucket: 'minute',
  flushIntervalMs: 100,
  units: ['rows', 'tokens'],
} as const
const analytics = apiKeyAnalytics(options)
for (let cycle = 0; cycle < cycles; cycle++) {
  for (let minute = 0; minute < 3; minute++) {
    await countMinute()
    now += MINUTE_MS
  }
  if (flush) await analytics.flush()
}
await analytics.close()

async function countMinute(): Promise<void> {
  for (let cell = 0; cell < cells; cell++) {
    const ctx = makeContext(`/things/${cell}`)
    setApiKey(ctx, { id: `customer-${cell % 3}` })
    setEndpoint(ctx, `/things/${cell}`)
    await analytics(ctx, async () => setUsage(ctx, 'tokens', TOKENS_AT_ONCE))
    writeSync(acknowledged, '.')
    writeSync(tokens, '.'.repeat(TOKENS_AT_ONCE))
    // as a stream does, whose request was counted when it began
    addUsage(ctx, 'tokens', TOKENS_LATE)
    writeSync(tokens, '.'.repeat(TOKENS_LATE))
  }
}

/** What Koa would hand over, as little as the middleware looks at. */
function makeContext(path: string): Context {
  const req = { headers: {}, method: 'GET' }
  return { req, res: { statusCode: 200 }, originalUrl: path, path, state: {} } as unknown as Context
}
