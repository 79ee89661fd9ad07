/**
 * What an open counter file holds beside its pages: bytes of heap per cell and per slot after so many cells (first
 * argument, default 50 000) of 1000 keys were counted in four to six bins each and flushed. Needs `--expose-gc`.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NO_QUOTAS } from '../../src/model/quota.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { identify, startCounting, TEST_TARGET } from '../support/usage/counting-process.ts'

const cells = Number(process.argv[2] ?? 50_000)
const KEYS = 1000
/** Three of four requests fall into the first three. */
const DURATIONS_US = [900, 1100, 1300, 1600, 5000, 20_000]

/** A store that reads each batch and keeps nothing of it. */
function forgettingStore(): UsageStore & { readonly rows: number } {
  const store = {
    rows: 0,
    connect: async () => ({
      databaseId: '00000000-0000-4000-8000-000000000000',
      pepperMatches: true,
      databaseLabel: TEST_TARGET,
    }),
    async recordBatch(batch: Parameters<UsageStore['recordBatch']>[0]) {
      for await (const rows of batch.rows()) store.rows += rows.length
      return 'applied' as const
    },
    findKnownKeys: async () => [],
    findQuotas: async () => NO_QUOTAS,
    registerRoutes: async () => {},
    findDeprecations: async () => [],
    close: async () => {},
  }
  return store
}

/** Of all threads, so garbage collection is in it. */
function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function usedBytes(): number {
  if (!globalThis.gc) throw new Error('Run it with --expose-gc.')
  // twice: what the first only finds is freed by the second
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-bench-'))
const store = forgettingStore()
const keys = Array.from({ length: KEYS }, (_, index) => toCountedKey(identify(`key ${index}`)))
const operations = Array.from({ length: cells / KEYS }, (_, index) =>
  toCountedOperation('GET', `/endpoint/${index}/:id`),
)
const { buffer, flush, crash, folder } = startCounting({
  dataDir,
  store,
  now: () => Date.UTC(2026, 10, 2, 9, 30),
  maxKeys: KEYS,
  maxEndpointsPerKey: operations.length,
})
// what starting up left is no part of it
buffer.count(keys[0]!, operations[0]!, 200, DURATIONS_US[0])
await flush()
const before = usedBytes()
const start = process.cpuUsage()
let slots = 0
for (const [turn, durationUs] of DURATIONS_US.entries()) {
  for (const [number, operation] of operations.entries()) {
    // every third operation has four bins, every third five
    if (turn >= 4 + (number % 3)) continue
    for (const key of keys) buffer.count(key, operation, 200, durationUs)
    slots += KEYS
  }
}
const countedMs = cpuMsSince(start)
const flushStart = process.cpuUsage()
while (store.rows <= cells) await flush()
const flushedMs = cpuMsSince(flushStart)
// the files of a smaller size are given back by the second flush
await flush()
const used = usedBytes() - before
const files = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
  .map((name) => statSync(join(dataDir, name)))
  .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0)
const perSlot = (used / slots).toFixed(0)
writeSync(
  1,
  `${cells} cells, ${slots} slots: ${(used / cells).toFixed(0)} bytes of heap per cell, ${perSlot} per slot; counted in ${countedMs.toFixed(0)} ms of CPU, delivered in ${flushedMs.toFixed(0)} ms, files ${(files / 2 ** 20).toFixed(0)} MiB (${buffer.mode})\n`,
)
folder.remove()
crash()
rmSync(dataDir, { recursive: true, force: true })
