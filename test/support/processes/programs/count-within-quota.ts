/**
 * Counts for one key of a customer until `quotaOf` says that nothing is left, and delivers after every `burst` requests.
 * Prints how many it counted; when told again, what it knows of the quotas then.
 */
import { apiKeyAnalytics } from '../../../../src/index.ts'
import type { QuotaCounterOptions } from '../../crash/quota-counter.ts'

const { database, dataDir, key, owner, burst, most } = JSON.parse(process.argv[2]!) as QuotaCounterOptions
const analytics = apiKeyAnalytics({
  database,
  dataDir,
  units: ['tokens'],
  // only when told
  flushIntervalMs: 3_600_000,
  onError(error) {
    throw error
  },
})
await analytics.flush()
const orders = process.stdin.setEncoding('utf8')[Symbol.asyncIterator]()
const say = (said: object) => process.stdout.write(`${JSON.stringify(said)}\n`)

say({ ready: true })
await orders.next()
let counted = 0
while (counted < most && analytics.quotaOf({ id: key, owner }, 'requests')?.remaining !== 0) {
  analytics.addEndpointAccess({ id: key, owner }, 'POST /jobs', { usage: { tokens: 3 } })
  counted += 1
  if (counted % burst === 0) await analytics.flush()
}
await analytics.flush()
say({ counted })
await orders.next()
await analytics.flush()
const used = (unit: string) => analytics.quotaOf({ id: key, owner }, unit)?.used
say({ requests: used('requests'), tokens: used('tokens') })
await analytics.close()
process.stdin.destroy()
