/**
 * Counts, flushes unless it shall not, counts again, says so, and waits to be killed; or kills itself at a point of that flush. Its
 * argument says what it counts.
 */
import { subscribe } from 'node:diagnostics_channel'
import { apiKeyAnalytics } from '../../../../src/index.ts'
import type { AnalyticsOptions, ApiKey } from '../../../../src/index.ts'

const {
  options,
  before,
  after,
  flushes = true,
  dieAt,
} = JSON.parse(process.argv[2]!) as {
  options: AnalyticsOptions
  before: [ApiKey, string][]
  after: [ApiKey, string][]
  flushes?: boolean
  dieAt?: string
}
subscribe('apikey-analytics:fault-point', (point) => {
  if (point === dieAt) process.kill(process.pid, 'SIGKILL')
})
const analytics = apiKeyAnalytics({ ...options, flushIntervalMs: 3_600_000 })
for (const [key, operation] of before) analytics.addEndpointAccess(key, operation)
if (flushes) await analytics.flush()
for (const [key, operation] of after) analytics.addEndpointAccess(key, operation)
process.stdout.write(JSON.stringify(analytics.stats()))
setInterval(() => process.stdout.writable, 1000)
