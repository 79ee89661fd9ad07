/**
 * Flushes the same cells over and over as one instance, once it is told to: arguments URL, flushes, cells. Says `ready`
 * when it has connected, waits for its input to end, and prints how often it had to try again as a number.
 */
import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { AnalyticsError } from '../../../src/errors.ts'
import { openStore } from '../../../src/store/open-store.ts'
import { makeBatch } from '../make-batch.ts'

const [url, flushes, cells] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]
const rows = Array.from({ length: cells }, (_, index) => ({ key: `key ${index}`, endpoint: '/users/:id' }))
const same = makeBatch({ instance: randomUUID(), rows })
const store = openStore({ url, pepperCheck: '' })
await store.connect()
process.stdout.write('ready\n')
await text(process.stdin)

let retries = 0
for (let sequence = 1; sequence <= flushes; sequence++) {
  const batch = { ...same, sequence, countedBefore: (sequence - 1) * cells }
  for (;;) {
    try {
      await store.recordBatch(batch)
      break
    } catch (error) {
      if (!(error instanceof AnalyticsError) || error.code !== 'DATABASE_BUSY') throw error
      retries++
    }
  }
}
await store.close()
process.stdout.write(`${retries}\n`)
