import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { listProcessFolders } from '../../src/buffer/folder/recovery.ts'
import { startCounting } from '../support/usage/counting-process.ts'
import { keepingStore } from '../support/usage/keeping-store.ts'
import { HOUR } from '../support/usage/make-batch.ts'
import { until } from '../support/apps/serve-app.ts'

const BATCH_MS = 600
afterEach(() => void vi.restoreAllMocks())

test('counts of many dead processes wait for those of the living one, and all of them are delivered', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  const parts = { dataDir, now: () => HOUR }
  for (let index = 0; index < 6; index += 1) {
    const dead = startCounting({ ...parts, store: keepingStore() })
    dead.count('dead')
    dead.crash()
  }
  // every batch takes so long, by the clock that the turns are measured with
  let passedMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => passedMs)
  const kept = keepingStore()
  const store = {
    ...kept,
    recordBatch: (batch: Parameters<typeof kept.recordBatch>[0]) => {
      passedMs += BATCH_MS
      return kept.recordBatch(batch)
    },
  }
  const keysInOrder = () => kept.batches.map(({ keys }) => keys[0]!.label)

  const live = startCounting({ ...parts, store })
  live.count('live')
  await live.flush()
  expect(keysInOrder()).toEqual(['live', 'dead', 'dead'])
  live.count('live')
  await live.flush()
  expect(keysInOrder()).toEqual(['live', 'dead', 'dead', 'live', 'dead', 'dead'])

  // the rest needs no call, and waits for no interval
  vi.restoreAllMocks()
  await until(() => kept.batches.length === 8)
  await until(() => listProcessFolders(dataDir).length === 1)
  expect(live.errors).toEqual([])
  live.crash()
  rmSync(dataDir, { recursive: true })
})
