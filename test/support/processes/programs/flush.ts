/** Flushes 20 batches of one instance over 40 keys that every such process uses; tries again as the flusher does. */
import { AnalyticsError } from '../../../../src/model/errors.ts'
import { openStore } from '../../../../src/store/open-store.ts'
import { makeBatch } from '../../usage/make-batch.ts'

const store = openStore({ url: process.argv[2]!, pepperCheck: '' })
const instance = process.argv[3]!
const rows = Array.from({ length: 40 }, (_, index) => ({ key: `key ${index}`, endpoint: '/shared' }))
const busy: string[] = []
for (let sequence = 1; sequence <= 20; sequence++) {
  const batch = makeBatch({ instance, sequence, countedBefore: (sequence - 1) * 40, rows })
  for (;;) {
    try {
      await store.recordBatch(batch)
      break
    } catch (error) {
      if (!(error instanceof AnalyticsError) || error.code !== 'DATABASE_BUSY') throw error
      busy.push(error.message)
    }
  }
}
await store.close()
process.stdout.write(JSON.stringify({ busy }))
