import { parentPort, workerData } from 'node:worker_threads'
import { openStore } from '../../../src/store/open-store.ts'
import { deliverUsage } from './fill-usage.ts'
import type { RowToFill } from './fill-usage.ts'

/** A writer of its own: SQLite would stop the thread of the test. Delivers the same rows until told to stop. */
const { url, rows } = workerData as { url: string; rows: readonly RowToFill[] }
const port = parentPort!
const writing = new AbortController()
port.once('message', () => writing.abort())

const store = openStore({ url, pepperCheck: '' })
await store.connect()
while (!writing.signal.aborted) {
  const start = performance.now()
  await deliverUsage(store, rows)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  port.postMessage(performance.now() - start)
}
await store.close()
