import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CounterBuffer } from '../../src/buffer/counter-buffer.ts'
import { Flusher } from '../../src/buffer/flusher.ts'
import { ProcessFolder } from '../../src/buffer/folder/process-folder.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import { identify } from '../support/usage/counting-process.ts'
import { keepingStore } from '../support/usage/keeping-store.ts'

const HOUR_MS = 3_600_000
const INTERVAL_MS = 5000

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-unit-'))
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start({ isMapped = true } = {}) {
  let now = 100 * HOUR_MS
  let begun = 0
  const kept = keepingStore()
  const store = { ...kept, connect: () => (begun++, kept.connect()) }
  const parts = { dataDir, report: () => {}, now: () => now }
  // a data folder that cannot be made leaves the counts in memory
  const place = isMapped ? dataDir : '/dev/null/nowhere'
  const folder = new ProcessFolder({
    ...parts,
    dataDir: place,
    bucketMinutes: 60,
    target: '',
    units: [],
    mapped: true,
  })
  const limits = { maxKeys: 10, maxEndpointsPerKey: 100_000 }
  const buffer = new CounterBuffer({
    ...parts,
    files: folder,
    bucketMinutes: 60,
    ...limits,
    onRotate: () => {},
  })
  const settings = { flushIntervalMs: INTERVAL_MS, maxKeys: 10, onKnownKeys: () => {} }
  const flusher = new Flusher({ ...parts, ...settings, buffer, folder, store })
  /** The flush at hand has ended, however long this machine takes. */
  const flushed = async () => {
    while (flusher.state.lastFlushAt?.getTime() !== now) await nextTurn()
  }
  const key = toCountedKey(identify('key'))
  // the timer runs, and what is done at the start and once a minute is done
  flusher.start()
  await nextTurn()
  await flusher.flush()
  return {
    flusher,
    passHour: () => void (now += HOUR_MS),
    count: (rows: number) => {
      for (let row = 0; row < rows; row += 1)
        buffer.count(key, toCountedOperation('GET', `/${row}`), 200, 1000)
    },
    /** Lets one interval pass and the flush that it begins, if it does. @returns the requests that wait after it */
    passInterval: async (): Promise<number> => {
      now += INTERVAL_MS
      const before = begun
      vi.advanceTimersByTime(INTERVAL_MS)
      if (begun > before) await flushed()
      // a flush has ended a turn after it says so
      await nextTurn()
      return buffer.counted - flusher.state.flushed
    },
  }
}

test('flushes at every interval while batches are small', async () => {
  const { count, passInterval } = await start()
  for (const rows of [1, 5000, 1, 5000]) {
    count(rows)
    expect(await passInterval()).toBe(0)
  }
})

test('rests a millisecond for each row of a large batch', async () => {
  const { count, passInterval } = await start()
  count(12_000)
  expect(await passInterval()).toBe(0)
  count(1)
  expect([await passInterval(), await passInterval(), await passInterval()]).toEqual([1, 1, 0])
  count(1)
  expect(await passInterval()).toBe(0)
})

test('rests for a minute at most', async () => {
  const { count, passInterval } = await start()
  count(90_000)
  expect(await passInterval()).toBe(0)
  count(1)
  for (let interval = 1; interval < 12; interval += 1) expect(await passInterval()).toBe(1)
  expect(await passInterval()).toBe(0)
})

test('delivers what was counted in a bucket that ends during a rest, and what is asked for', async () => {
  const { count, passInterval, passHour, flusher } = await start()
  count(60_000)
  expect(await passInterval()).toBe(0)
  count(1)
  expect(await passInterval()).toBe(1)
  passHour()
  expect(await passInterval()).toBe(0)
  count(60_000)
  await flusher.flush()
  count(1)
  expect(await passInterval()).toBe(1)
  await flusher.flush()
  expect(flusher.state.flushed).toBe(120_002)
})

test('never rests while counts are only in memory', async () => {
  const { count, passInterval } = await start({ isMapped: false })
  for (let turn = 0; turn < 3; turn += 1) {
    count(20_000)
    expect(await passInterval()).toBe(0)
  }
})
