/**
 * Flushes the same cells over and over as one instance: arguments URL, cells, flushes to warm up, flushes. Says `ready`
 * when it is warm, waits for its input to end, flushes, and prints how often it had to try again.
 */
import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { AnalyticsError } from '../../../../src/model/errors.ts'
import { openStore } from '../../../../src/store/open-store.ts'
import type { Batch } from '../../../../src/model/batch.ts'
import { makeBatch, QUANTITY_PER_REQUEST } from '../../usage/make-batch.ts'

const url = process.argv[2]!
const [cells, warmUp, flushes] = process.argv.slice(3).map(Number) as [number, number, number]
const quantities = ['rows', 'tokens'].map((unit) => ({
  unit,
  requestCount: 1,
  quantity: QUANTITY_PER_REQUEST,
}))
const rows = Array.from({ length: cells }, (_, index) => ({
  key: `key ${index}`,
  endpoint: '/users/:id',
  quantities,
}))
const same = makeBatch({ instance: randomUUID(), rows })
const quantity = cells * QUANTITY_PER_REQUEST
const store = openStore({ url, pepperCheck: '' })
let sequence = 0
await store.connect()
await flushTimes(warmUp)
process.stdout.write('ready\n')
await text(process.stdin)
const retries = await flushTimes(flushes)
await store.close()
process.stdout.write(`${retries}\n`)

async function flushTimes(times: number): Promise<number> {
  let retries = 0
  for (const last = sequence + times; sequence < last; sequence++) {
    const totals = quantities.map(({ unit }) => ({ unit, before: sequence * quantity, quantity }))
    const units = { additionsBefore: 0, additionCount: 0, totals }
    const batch = { ...same, sequence: sequence + 1, countedBefore: sequence * cells, units }
    while (!(await isRecorded(batch))) retries++
  }
  return retries
}

/** False when the database was too busy. */
async function isRecorded(batch: Batch): Promise<boolean> {
  try {
    await store.recordBatch(batch)
    return true
  } catch (error) {
    if (error instanceof AnalyticsError && error.code === 'DATABASE_BUSY') return false
    throw error
  }
}
