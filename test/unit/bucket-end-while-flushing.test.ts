import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NO_QUOTAS } from '../../src/model/quota.ts'
import { CounterBuffer } from '../../src/buffer/counter-buffer.ts'
import { Flusher } from '../../src/buffer/flusher.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import type { Batch } from '../../src/model/batch.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { makeProcessFolder } from '../support/usage/make-process-folder.ts'

const HOUR_MS = 3_600_000
const KEY = { id: 'aaaaaaaa-0000-4000-8000-000000000001', label: 'key', name: null, owner: null }

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-unit-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

test('counts of a bucket that ends while its first batch is being sent are delivered too', async () => {
  let now = 100 * HOUR_MS
  const recorded: Pick<Batch, 'bucket' | 'sequence' | 'requestCount'>[] = []
  const report = () => {}
  const folder = makeProcessFolder(dataDir, report)
  const buffer = new CounterBuffer({
    files: folder,
    bucketMinutes: 60,
    maxKeys: 10,
    maxEndpointsPerKey: 10,
    now: () => now,
    onRotate: () => {},
  })
  const count = () => buffer.count(toCountedKey(KEY), toCountedOperation('GET', '/'), 200, 1)
  const store: UsageStore = {
    connect: async () => ({
      databaseId: 'bbbbbbbb-0000-4000-8000-000000000001',
      pepperMatches: true,
      databaseLabel: '',
    }),
    recordBatch: async ({ bucket, sequence, requestCount }) => {
      if (recorded.length === 0) {
        count()
        now += HOUR_MS
        count()
      }
      recorded.push({ bucket, sequence, requestCount })
      return 'applied'
    },
    findKnownKeys: async () => [],
    findQuotas: async () => NO_QUOTAS,
    registerRoutes: async () => {},
    findDeprecations: async () => [],
    close: async () => {},
  }
  const flusher = new Flusher({
    buffer,
    folder,
    store,
    dataDir,
    flushIntervalMs: HOUR_MS,
    maxKeys: 10,
    onKnownKeys: () => {},
    report,
    now: () => now,
  })
  count()
  await flusher.flush()
  await flusher.flush()
  expect(recorded).toEqual([
    { bucket: 100 * HOUR_MS, sequence: 1, requestCount: 1 },
    { bucket: 100 * HOUR_MS, sequence: 2, requestCount: 1 },
    { bucket: 101 * HOUR_MS, sequence: 1, requestCount: 1 },
  ])
  expect(flusher.state.flushed).toBe(buffer.counted)
})
