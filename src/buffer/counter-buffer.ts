import { UNMEASURED_US } from '../model/duration-bins.ts'
import { toCountedKey, UNSET } from '../model/request-counter.ts'
import { MOST_UNITS } from '../model/unit.ts'
import type {
  CountedKey,
  CountedOperation,
  CountWatcher,
  RequestQuantities,
  RequestCounter,
} from '../model/request-counter.ts'
import type { BucketMinutes } from '../model/batch.ts'
import { CellIndex, type CellLimits } from './cells/cell-index.ts'
import { MOST_SLOTS } from './file/counter-layout.ts'
import type { CounterFile } from './file/counter-file.ts'
import type { CounterMode } from './file/counter-memory.ts'
import { faultPoint } from '../model/fault-point.ts'

/** A clock that steps back less than this stays in the open bucket: time servers correct in small steps. */
const CLOCK_STEP_MS = 60_000
/** Some 800 cells of five bins each; the file takes 260 KiB of disk. */
const FIRST_SLOTS = 4096

/** Gives the buffer its files and takes them back. */
export interface CounterFiles {
  /** Opens a file as a new instance with at least `slots` slots. Never throws: at worst it is one in memory. */
  open(slots: number, bucket: number): CounterFile
  /** Takes back a file whose batches are all delivered. */
  release(file: CounterFile): void
}

export interface CounterBufferParts extends CellLimits {
  readonly files: CounterFiles
  readonly bucketMinutes: BucketMinutes
  /** Epoch milliseconds. */
  readonly now: () => number
  /** How long, in milliseconds, `performance.now()` is trusted before `now` is read again. Default: 0. */
  readonly steadyMs?: number
  /** Called when a file was left for the next one, so that it is delivered soon. */
  readonly onRotate: () => void
}

/** Counts into the open file; opens the next one when that file is full, or a bucket ends while a batch waits. */
export class CounterBuffer implements RequestCounter {
  readonly #parts: CounterBufferParts
  readonly #index: CellIndex
  readonly #bucketMs: number
  #file: CounterFile
  #bucket: number
  /** The open bucket is right until this `performance.now()`. */
  #steadyUntil = NaN
  /** Files that take no more counts and still hold batches, oldest first. */
  #retired: CounterFile[] = []
  #counted = 0
  #additions = 0
  #openBatch = 1
  #watcher: CountWatcher | undefined
  /** The slots of one request, by the place of their unit. */
  readonly #unitSlots = new Int32Array(MOST_UNITS)

  constructor(parts: CounterBufferParts) {
    this.#parts = parts
    this.#index = new CellIndex(parts)
    this.#bucketMs = parts.bucketMinutes * 60_000
    this.#bucket = this.#bucketOf(parts.now())
    this.#index.enterBucket(this.#bucket)
    this.#file = parts.files.open(FIRST_SLOTS, this.#bucket)
  }

  /** Requests counted since the start. */
  get counted(): number {
    return this.#counted
  }

  /** Late additions counted since the start. */
  get additions(): number {
    return this.#additions
  }

  /** The number of the batch that is counted into now, over all files: 1, 2, 3 … */
  get openBatch(): number {
    return this.#openBatch
  }

  /** From now on this watcher sees every count. */
  watch(watcher: CountWatcher | undefined): void {
    this.#watcher = watcher
  }

  get mode(): CounterMode {
    return this.#file.mode
  }

  count(
    key: CountedKey,
    operation: CountedOperation,
    status: number,
    durationUs = UNMEASURED_US,
    finishedAt = NaN,
    quantities?: RequestQuantities,
  ): void {
    if (!(finishedAt < this.#steadyUntil)) this.#steadyUntil = finishedAt + this.#lookAtClock()
    const { epoch } = this.#index
    const keyNumber = key.handle.numberIn(epoch)
    const operationNumber = operation.handle.numberIn(epoch)
    const isEntered = keyNumber !== 0 && operationNumber !== 0
    if (!isEntered || !this.#add(keyNumber, operationNumber, status, durationUs, quantities)) {
      this.#enterAndCount(key, operation, status, durationUs, quantities)
    }
    this.#counted += 1
    this.#watcher?.onCount(key, quantities, this.#openBatch, this.#bucket)
  }

  addQuantity(
    key: CountedKey,
    operation: CountedOperation,
    status: number,
    unit: number,
    quantity: number,
    isFirst: boolean,
  ): void {
    this.#lookAtClock()
    this.#enter(toUnnamed(key), operation, (keyNumber, operationNumber) => {
      const slot = this.#findUnitSlot(keyNumber, operationNumber, status, unit, quantity)
      if (slot < 0) return false
      this.#file.addQuantity(slot, unit, quantity, isFirst ? 1 : 0)
      this.#file.countAddition()
      return true
    })
    this.#additions += 1
    this.#watcher?.onAdded(key, unit, quantity, this.#openBatch, this.#bucket)
  }

  /**
   * Closes the open batch so that it can be delivered; an empty one, or one behind a waiting one, stays open.
   * @returns false when counts stay open behind a batch that waits
   */
  seal(): boolean {
    this.#lookAtClock()
    if (this.#file.isOpenEmpty()) return true
    const isSealed = this.#file.seal(this.#bucket, this.#parts.now())
    if (isSealed) this.#openBatch += 1
    return isSealed
  }

  /** Whether batches wait for their delivery: of a bucket that is over, say. */
  hasSealed(): boolean {
    this.#lookAtClock()
    return this.files().some((file) => file.sealedBatches().length > 0)
  }

  /** Every file that may hold sealed batches, oldest first. */
  files(): readonly CounterFile[] {
    return [...this.#retired, this.#file]
  }

  /** Gives back a file that takes no more counts and whose batches are all delivered. Keeps any other. */
  release(file: CounterFile): void {
    // A file that was left during the delivery of its first batch has got a second one.
    if (!this.#retired.includes(file) || file.sealedBatches().length > 0) return
    this.#retired = this.#retired.filter((other) => other !== file)
    this.#parts.files.release(file)
  }

  /** Leaves the open file for a new one, as when another process counts as the same instance. */
  leaveFile(): void {
    this.#rotate(this.#parts.now())
  }

  /** Leaves a file whose counts would die with the process, unless those in a new one would too. */
  leaveUnsafeFile(): void {
    const next = this.#parts.files.open(this.#file.identity.slots, this.#bucket)
    if (next.mode !== 'memory') this.#rotate(this.#parts.now(), false, next)
  }

  /**
   * Counts a request whose key or operation has no number yet, or for which the file is full. Separate from `count`: a
   * function that makes a closure allocates on every call.
   */
  #enterAndCount(
    key: CountedKey,
    operation: CountedOperation,
    status: number,
    durationUs: number,
    quantities: RequestQuantities | undefined,
  ): void {
    this.#enter(key, operation, (keyNumber, operationNumber) =>
      this.#add(keyNumber, operationNumber, status, durationUs, quantities),
    )
  }

  /**
   * Gives a key and an operation their numbers and adds to their cell; goes on in the next file when this one is full.
   * @param add returns false when the file is full
   */
  #enter(
    key: CountedKey,
    operation: CountedOperation,
    add: (keyNumber: number, operationNumber: number) => boolean,
  ): void {
    for (;;) {
      const { names } = this.#file
      const keyNumber = this.#index.enterKey(key, names)
      const operationNumber = keyNumber && this.#index.enterOperation(operation, keyNumber, names)
      if (operationNumber && add(keyNumber, operationNumber)) return
      this.#rotate(this.#parts.now(), true)
    }
  }

  /** @returns false when the file is full: the request is not counted yet */
  #add(
    key: number,
    operation: number,
    status: number,
    durationUs: number,
    quantities: RequestQuantities | undefined,
  ): boolean {
    const slot = this.#index.findSlot(key, operation, status, durationUs, this.#file.names)
    if (slot < 0 || (quantities && !this.#addQuantities(key, operation, status, quantities))) return false
    this.#file.openCounts.add(slot, durationUs)
    return true
  }

  /**
   * Before the request: a kill in between leaves quantities without a request, never the reverse. Adds nothing when the
   * file has no room for all of them.
   */
  #addQuantities(key: number, operation: number, status: number, quantities: RequestQuantities): boolean {
    for (let unit = 0; unit < quantities.length; unit += 1) {
      const quantity = quantities[unit]!
      if (quantity === UNSET) continue
      const slot = this.#findUnitSlot(key, operation, status, unit, quantity)
      if (slot < 0) return false
      this.#unitSlots[unit] = slot
    }
    for (let unit = 0; unit < quantities.length; unit += 1) {
      const quantity = quantities[unit]!
      if (quantity !== UNSET) this.#file.addQuantity(this.#unitSlots[unit]!, unit, quantity, 1)
    }
    return true
  }

  /** @returns -1 when the file has no slot left, or its sums no room */
  #findUnitSlot(key: number, operation: number, status: number, unit: number, quantity: number): number {
    if (!this.#file.hasRoomFor(unit, quantity)) return -1
    return this.#index.findUnitSlot(key, operation, status, unit, this.#file.names)
  }

  /**
   * Moves to the bucket of the current time. @returns for how long, in milliseconds, the clock need not be read again
   */
  #lookAtClock(): number {
    const { now: readClock, steadyMs = 0 } = this.#parts
    const now = readClock()
    if (now >= this.#bucket + this.#bucketMs || now < this.#bucket - CLOCK_STEP_MS) this.#enterBucket(now)
    // 2 ms less, because the clock has whole milliseconds and a time server may change its speed
    return Math.min(steadyMs, this.#bucket + this.#bucketMs - now - 2)
  }

  #enterBucket(now: number): void {
    this.#bucket = this.#bucketOf(now)
    this.#steadyUntil = NaN
    this.#index.enterBucket(this.#bucket)
    this.#openBatch += 1
    if (this.#file.names.areRenamingsFull) this.#rotate(now)
    else if (this.#file.isOpenEmpty()) this.#file.moveTo(this.#bucket)
    else if (!this.#file.seal(this.#bucket, now)) this.#rotate(now)
  }

  #rotate(now: number, full = false, next?: CounterFile): void {
    const left = this.#file
    left.retire(now)
    this.#openBatch += 1
    const active = this.#index.enterFile()
    const { slots } = left.identity
    // Doubled only if this bucket itself needs the room: names of past buckets are not carried over. Compared with the
    // cells and not with the slots, because long names use a file up before its slots do, and bins come with time.
    const needsMore = full && left.names.isHalfUsed && active * 2 > left.names.cells.length
    const nextSlots = needsMore ? Math.min(slots * 2, MOST_SLOTS) : slots
    this.#file = next ?? this.#parts.files.open(nextSlots, this.#bucket)
    this.#retired.push(left)
    faultPoint('next file opened')
    this.#parts.onRotate()
  }

  #bucketOf(time: number): number {
    return Math.floor(time / this.#bucketMs) * this.#bucketMs
  }
}

/**
 * A late addition says no name and no owner: its request has said them, and the key may have others since. Its own
 * handle, so that the next request of the key says its name to a file that does not know it.
 */
function toUnnamed({ identity: { id, label } }: CountedKey): CountedKey {
  return toCountedKey({ id, label, name: null, owner: null })
}
