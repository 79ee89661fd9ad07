import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { countersDir } from '../../src/buffer/folder/data-dir.ts'
import { startCounting } from '../support/usage/counting-process.ts'
import { keepingStore } from '../support/usage/keeping-store.ts'
import { HOUR } from '../support/usage/make-batch.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const DAY_MINUTES = 1440
const FIRST_SLOTS = 4096
/** Room for a slot's names, and its two counts in each of two areas, see `counter-layout.ts`. */
const SLOT_BYTES = 32 + 2 * 16

/** Cells that each bucket uses, and the slots of the file that their four bins each need. */
const EXAMPLES = [
  { bucketMinutes: 60, cells: 500, slots: FIRST_SLOTS },
  { bucketMinutes: 1, cells: 100, slots: FIRST_SLOTS },
  { bucketMinutes: 60, cells: 5000, slots: 32_768 },
] as const
const DURATIONS_US = [500, 1000, 2000, 4000]

test.each(EXAMPLES)(
  'a day without a database takes one file per bucket of $bucketMinutes min with $cells cells, whatever the requests',
  async ({ bucketMinutes, cells, slots }) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    const store = keepingStore()
    store.refuse = true
    let now = HOUR
    const { count, flush, crash, buffer } = startCounting({ dataDir, store, now: () => now, bucketMinutes })
    const heapBefore = usedHeap()
    const rounds = DURATIONS_US.length
    for (let minute = 0; minute < DAY_MINUTES; minute += bucketMinutes) {
      for (let round = 0; round < rounds; round += 1) {
        for (let cell = 0; cell < cells; cell += 1) {
          count(`key ${cell % 20}`, `/endpoint/${cell}`, 200, DURATIONS_US[round])
        }
        // as the timer does
        buffer.seal()
        await flush().catch(() => {})
        now += (bucketMinutes * 60_000) / rounds
      }
    }
    const buckets = DAY_MINUTES / bucketMinutes
    const bound = (buckets + 3) * (4096 + slots * SLOT_BYTES)
    const disk = sizeOf(countersDir(dataDir))
    const heap = usedHeap() - heapBefore
    expect(disk).toBeLessThanOrEqual(bound)
    expect(heap).toBeLessThan(buckets * cells * 300 + 20e6)
    if (process.env['SHOW_FIGURES']) {
      process.stdout.write(
        `${bucketMinutes} min x ${cells} cells: disk ${mib(disk)}, heap ${mib(heap)}, bound ${mib(bound)}\n`,
      )
    }
    store.refuse = false
    while (store.requests() < buffer.counted) await flush()
    expect(store.requests()).toBe(buckets * rounds * cells)
    expect(Object.keys(store.requestsByBucket())).toHaveLength(buckets)
    crash()
    rmSync(dataDir, { recursive: true, force: true })
  },
  120_000,
)

const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`

function usedHeap(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .filter((stats) => stats.isFile())
    .reduce((sum, { size }) => sum + size, 0)
}
