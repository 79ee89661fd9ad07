/**
 * What counting costs: nanoseconds per count in memory, in a mapped and in a written file, and how long a flush of
 * 50 000 cells holds the event loop. Each cell has durations in five bins. `--counts` leaves the flushes out;
 * `--steady mapped` only counts and flushes, for strace.
 */
import { existsSync, mkdtempSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { CounterBuffer } from '../../src/buffer/counter-buffer.ts'
import { CounterFile } from '../../src/buffer/file/counter-file.ts'
import { fileBytes, shapeFor } from '../../src/buffer/file/counter-layout.ts'
import { heapMemory } from '../../src/buffer/file/counter-memory.ts'
import { openStore } from '../../src/store/open-store.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { identify, startCounting } from '../support/usage/counting-process.ts'
import { makeDatabase, type DatabaseKind } from '../support/databases/databases.ts'
import { keepingStore } from '../support/usage/keeping-store.ts'
import startSharedCluster from '../support/databases/postgres-cluster.ts'

const MODES = ['heap', 'mapped', 'written'] as const
type Mode = (typeof MODES)[number]
const ROUNDS = 5
const DURATIONS_US = [900, 1100, 1300, 1600, 5000]

/** A buffer in one of the three ways, the folder of its file, and its flusher. */
function startBuffer(mode: Mode, store: UsageStore) {
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-bench-'))
  const firstSlots = 524_288
  const limits = { maxKeys: 100_000, maxEndpointsPerKey: 100_000 }
  const counting = startCounting({
    dataDir,
    store,
    now: Date.now,
    mapped: mode === 'mapped',
    firstSlots,
    ...limits,
  })
  const buffer = mode === 'heap' ? makeHeapBuffer(firstSlots, limits) : counting.buffer
  const remove = () => {
    counting.crash()
    rmSync(dataDir, { recursive: true })
  }
  return { ...counting, buffer, dataDir, remove }
}

function makeHeapBuffer(
  slots: number,
  limits: { maxKeys: number; maxEndpointsPerKey: number },
): CounterBuffer {
  const shape = shapeFor(slots)
  const instance = '00000000-0000-4000-8000-000000000000'
  const identity = { ...shape, bucketMinutes: 60 as const, instance, target: '', units: [] }
  const open = (_: number, bucket: number) =>
    CounterFile.create(heapMemory(fileBytes(shape)), identity, bucket)
  const files = { open, release() {} }
  return new CounterBuffer({ files, bucketMinutes: 60, now: Date.now, onRotate() {}, ...limits })
}

/** Counts once in each of so many cells, in an order that jumps about as requests do. */
function makeRound(cells: number) {
  const keys = Array.from({ length: cells / 50 }, (_, index) => toCountedKey(identify(`key ${index}`)))
  const operations = Array.from({ length: 50 }, (_, index) => toCountedOperation('GET', `/endpoint/${index}`))
  let turn = 0
  return (buffer: CounterBuffer) => {
    turn += 1
    for (let index = 0; index < cells; index += 1) {
      const cell = (index * 7919) % cells
      const durationUs = DURATIONS_US[(index + turn) % DURATIONS_US.length]!
      const operation = operations[Math.floor(cell / keys.length)]!
      buffer.count(keys[cell % keys.length]!, operation, 200, durationUs)
    }
  }
}

/** The best of some rounds: what disturbs a round can only add to it. */
function measureCounts(cells: number): Record<Mode, number> {
  const round = makeRound(cells)
  const buffers = MODES.map((mode) => ({ mode, ...startBuffer(mode, keepingStore()) }))
  const best: Record<Mode, number> = { heap: Infinity, mapped: Infinity, written: Infinity }
  for (const { buffer } of buffers) for (const _ of DURATIONS_US) round(buffer)
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const { mode, buffer } of buffers) {
      const repeats = Math.ceil((mode === 'written' ? 100_000 : 2_000_000) / cells)
      const start = performance.now()
      for (let repeat = 0; repeat < repeats; repeat += 1) round(buffer)
      best[mode] = Math.min(best[mode], ((performance.now() - start) * 1e6) / (repeats * cells))
    }
  }
  for (const { remove } of buffers) remove()
  return best
}

/** The longest time that flushes of 50 000 cells hold the event loop: the first, with all names, and later ones. */
async function measureFlush(kind: DatabaseKind): Promise<Record<string, number>> {
  const database = await makeDatabase(kind)
  const store = openStore({ url: database.url, pepperCheck: '' })
  const { buffer, flush, remove } = startBuffer('mapped', store)
  const round = makeRound(50_000)
  buffer.count(toCountedKey(identify('first')), toCountedOperation('GET', '/'), 200, 1)
  await flush()
  const result: Record<string, number> = {}
  for (const name of ['first', 'second', 'third']) {
    round(buffer)
    await nextTurn()
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const watch = watchSlices()
    const start = performance.now()
    await flush()
    result[`${name} flush: longest hold, ms of CPU`] = watch()
    result[`${name} flush, ms`] = Math.round(performance.now() - start)
    delay.disable()
    // the monitor's own timer of 1 ms is part of what it shows
    result[`${name} flush: longest hold, ms`] = Number((delay.max / 1e6 - 1).toFixed(1))
  }
  remove()
  await store.close()
  await database.remove()
  return result
}

/**
 * Watches how much CPU this thread uses between two turns of the event loop: on a busy machine the delay alone also
 * shows what other programs take. @returns what ends it, with the longest in milliseconds
 */
function watchSlices(): () => number {
  let watching = true
  let longest = 0
  let before = process.threadCpuUsage()
  const turn = () => {
    const { user, system } = process.threadCpuUsage(before)
    longest = Math.max(longest, user + system)
    before = process.threadCpuUsage()
    if (watching) setImmediate(turn)
  }
  setImmediate(turn)
  return () => {
    watching = false
    return Number((longest / 1000).toFixed(1))
  }
}

/** Counts and flushes 50 000 cells over and over; what strace shows between the two marks is the steady state. */
async function keepSteady(mode: Mode): Promise<void> {
  const { buffer, flush, remove } = startBuffer(mode, keepingStore())
  const round = makeRound(50_000)
  for (let turn = 0; turn < 4; turn += 1) {
    round(buffer)
    await flush()
  }
  existsSync('/steady-state-begins')
  for (let turn = 0; turn < 3; turn += 1) {
    round(buffer)
    await flush()
  }
  existsSync('/steady-state-ends')
  remove()
}

async function printFlushes(): Promise<void> {
  const stopCluster = await startSharedCluster()
  for (const kind of ['sqlite', 'postgresql'] as const) {
    const figures = Object.entries(await measureFlush(kind)).map(([name, value]) => `${name}: ${value}`)
    print(`50 000 cells to ${kind}: ${figures.join(', ')}`)
  }
  await stopCluster()
}

const print = (text: string) => writeSync(1, `${text}\n`)

if (process.argv[2] === '--steady') {
  await keepSteady((process.argv[3] ?? 'mapped') as Mode)
} else {
  for (const cells of [1000, 50_000]) {
    const best = measureCounts(cells)
    const figures = MODES.map((mode) => {
      const ratio = (best[mode] / best.heap).toFixed(2)
      return `${mode} ${best[mode].toFixed(0)} ns (${ratio}x heap)`
    })
    print(`one count at ${cells} cells: ${figures.join(', ')}`)
  }
  if (process.argv[2] !== '--counts') await printFlushes()
}
