import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { RowToFill } from './fill-usage.ts'

/** A thread that delivers usage over and over. */
export interface Writer {
  /** Deliveries that have committed so far. */
  flushes(): number
  /** The longest that one of them took, waiting for locks included. */
  longestMs(): number
  /** Stops it after the delivery at hand. */
  stop(): Promise<void>
}

/** Starts a writer that delivers the same rows each time; resolves once the first delivery has committed. */
export async function startWriter(url: string, rows: readonly RowToFill[]): Promise<Writer> {
  const worker = new Worker(new URL('write-usage-worker.ts', import.meta.url), { workerData: { url, rows } })
  let [flushes, longestMs] = [0, 0]
  worker.on('message', (ms: number) => {
    flushes++
    longestMs = Math.max(longestMs, ms)
  })
  await once(worker, 'message')
  return {
    flushes: () => flushes,
    longestMs: () => longestMs,
    async stop() {
      const ended = once(worker, 'exit')
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
      worker.postMessage('stop')
      await ended
    },
  }
}
