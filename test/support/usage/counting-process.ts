import { CounterBuffer } from '../../../src/buffer/counter-buffer.ts'
import { Flusher } from '../../../src/buffer/flusher.ts'
import { ProcessFolder } from '../../../src/buffer/folder/process-folder.ts'
import type { AnalyticsError } from '../../../src/model/errors.ts'
import { toCountedKey, toCountedOperation } from '../../../src/model/request-counter.ts'
import type { CountedKey, CountedOperation, RequestQuantities } from '../../../src/model/request-counter.ts'
import type { BucketMinutes } from '../../../src/model/batch.ts'
import type { KeyIdentity } from '../../../src/model/key.ts'
import type { UsageStore } from '../../../src/store/usage-store.ts'
import { keyIdOf } from './make-batch.ts'

/** The database of the processes that a test starts, unless it says otherwise. */
export const TEST_TARGET = 'the database of the test'

export interface CountingProcessParts {
  readonly dataDir: string
  readonly store: UsageStore
  /** The database that its counts are meant for. */
  readonly target?: string
  readonly now: () => number
  readonly steadyMs?: number
  readonly mapped?: boolean
  readonly units?: readonly string[]
  readonly bucketMinutes?: BucketMinutes
  readonly maxKeys?: number
  readonly maxEndpointsPerKey?: number
  /** Slots of the first file, fewer than a real one has, so that a handful of cells fills it. */
  readonly firstSlots?: number
}

/** The buffer, the counter files and the flusher of one process, without its timers: a test moves the clock. */
export interface CountingProcess {
  readonly buffer: CounterBuffer
  readonly folder: ProcessFolder
  readonly errors: AnalyticsError[]
  /** `quantities`: by the place of the unit, `UNSET` where the request has none. */
  count(
    this: void,
    key: string,
    endpoint?: string,
    status?: number,
    durationUs?: number,
    quantities?: RequestQuantities,
  ): void
  /** Adds to a quantity of a request of the same cell that was counted before. */
  addQuantity(
    this: void,
    key: string,
    endpoint: string,
    unit: number,
    quantity: number,
    isFirst: boolean,
  ): void
  flush(this: void): Promise<void>
  /** Ends as by SIGKILL: nothing is cleaned up, and the kernel frees the lock. */
  crash(this: void): void
}

export function startCounting(parts: CountingProcessParts): CountingProcess {
  const { dataDir, store, target = TEST_TARGET, now, mapped = true, bucketMinutes = 60 } = parts
  const { maxKeys = 1000, maxEndpointsPerKey = 1000, firstSlots, steadyMs = 0, units = [] } = parts
  const errors: AnalyticsError[] = []
  const report = (error: AnalyticsError) => void errors.push(error)
  const folder = new ProcessFolder({ dataDir, bucketMinutes, target, units, mapped, report })
  let opened = 0
  const buffer = new CounterBuffer({
    files: {
      open: (slots, bucket) => folder.open(opened++ === 0 ? (firstSlots ?? slots) : slots, bucket),
      release: (file) => folder.release(file),
    },
    bucketMinutes,
    maxKeys,
    maxEndpointsPerKey,
    now,
    steadyMs,
    onRotate: () => {},
  })
  const onKnownKeys = () => {}
  const flusher = new Flusher({
    buffer,
    folder,
    store,
    dataDir,
    flushIntervalMs: 5000,
    maxKeys,
    onKnownKeys,
    report,
    now,
  })
  // the same objects for the same names, as the capture side gives them
  const keys = new Map<string, CountedKey>()
  const operations = new Map<string, CountedOperation>()
  const find = (label: string, endpoint: string) => {
    const key = keys.get(label) ?? toCountedKey(identify(label))
    const operation = operations.get(endpoint) ?? toCountedOperation('GET', endpoint)
    keys.set(label, key)
    operations.set(endpoint, operation)
    return { key, operation }
  }
  return {
    buffer,
    folder,
    errors,
    count: (label, endpoint = '/', status = 200, durationUs = 1000, quantities) => {
      const { key, operation } = find(label, endpoint)
      buffer.count(key, operation, status, durationUs, undefined, quantities)
    },
    addQuantity: (label, endpoint, unit, quantity, isFirst) => {
      const { key, operation } = find(label, endpoint)
      buffer.addQuantity(key, operation, 200, unit, quantity, isFirst)
    },
    flush: () => flusher.flush(),
    crash: () => folder.abandon(),
  }
}

export function identify(key: string): KeyIdentity {
  return { id: keyIdOf(key), label: key, name: null, owner: null }
}
