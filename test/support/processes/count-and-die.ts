/**
 * Counts in cycles of three minutes with a flush after each, and notes every request in a file when it is counted: the
 * size of that file is the number of requests acknowledged. Within a cycle batches wait while buckets pass, so that
 * further files are opened and later used again. The minutes are made, not waited for.
 */
import { openSync, writeSync } from 'node:fs'
import { apiKeyAnalytics } from '../../../src/index.ts'
import type { CounterOptions } from '../counter-child.ts'
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
const { database, dataDir, cells = 5, cycles = 8, flush = true } = given
const analytics = apiKeyAnalytics({ database, dataDir, bucket: 'minute', flushIntervalMs: 100 })
for (let cycle = 0; cycle < cycles; cycle++) {
  for (let minute = 0; minute < 3; minute++) {
    countMinute()
    now += MINUTE_MS
  }
  if (flush) await analytics.flush()
}
await analytics.close()

function countMinute(): void {
  for (let cell = 0; cell < cells; cell++) {
    analytics.addEndpointAccess({ id: `customer-${cell % 3}` }, `GET /things/${cell}`)
    writeSync(acknowledged, '.')
  }
}
