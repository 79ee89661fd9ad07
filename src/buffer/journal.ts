import { JOURNAL_ENTRIES, JOURNAL_OFFSET } from './counter-layout.ts'
import type { CounterMemory } from './counter-memory.ts'

/** int32 words of an entry: key, operation, status, and a check of these and of which request it is. */
const WORDS = 8
const KEY = 0
const OPERATION = 1
const STATUS = 2
const CHECK = 3
/** float64 words of an entry: microseconds, or `UNMEASURED_US`; microseconds of all requests of the batch before. */
const NUMBERS = 4
const DURATION = 2
const US_BEFORE = 3

/** The header's words for the batch, from its first one: requests noted, their microseconds, requests settled for good. */
const COUNTED = 0
const COUNTED_US = 1
const SETTLED_BEFORE = 2

/**
 * The latest requests of the open batch, one after the other. A request is noted here by a few stores side by side; the
 * slots of many are found in one go, which waits for memory once where each by itself would wait every time.
 *
 * A request counts from the moment the header's word says so. Entries are settled in their order, and the last thing
 * that a request adds to its slot is itself: so the sum of all slots tells how many are settled, after a kill too. For
 * that every request of the batch must go through the journal, or none after the first that does not.
 */
export class Journal {
  readonly #header: Float64Array
  readonly #words: Int32Array
  readonly #numbers: Float64Array
  #first: number
  #pending = 0
  #firstEntry = 0

  /** `first`: number of the header's first word for the batch. */
  constructor({ buffer }: CounterMemory, first: number) {
    this.#header = new Float64Array(buffer, 0, JOURNAL_OFFSET / 8)
    this.#words = new Int32Array(buffer, JOURNAL_OFFSET, JOURNAL_ENTRIES * WORDS)
    this.#numbers = new Float64Array(buffer, JOURNAL_OFFSET, JOURNAL_ENTRIES * NUMBERS)
    this.#first = first
  }

  /** Requests of the batch that were noted. */
  get counted(): number {
    return this.#header[this.#first + COUNTED]!
  }

  /** Requests of the batch that were settled before the pending ones, or those that are being settled. */
  get settledBefore(): number {
    return this.#header[this.#first + SETTLED_BEFORE]!
  }

  /** Requests that are noted and not settled. */
  get pending(): number {
    return this.#pending
  }

  /** Goes on with another batch; only right when all are settled. */
  moveTo(first: number): void {
    this.#first = first
    this.#firstEntry = 0
  }

  /** Whether all must be settled before another one is noted. */
  get isFull(): boolean {
    return this.#pending === JOURNAL_ENTRIES
  }

  /** Notes a request, the hot path. `durationUs`: whole microseconds, or `UNMEASURED_US`. */
  note(key: number, operation: number, status: number, durationUs: number): void {
    const header = this.#header
    const first = this.#first
    const counted = header[first + COUNTED]!
    const usBefore = header[first + COUNTED_US]!
    const entry = counted & (JOURNAL_ENTRIES - 1)
    const words = this.#words
    words[entry * WORDS + KEY] = key
    words[entry * WORDS + OPERATION] = operation
    words[entry * WORDS + STATUS] = status
    words[entry * WORDS + CHECK] = checkOf(counted, key, operation, status)
    const numbers = this.#numbers
    numbers[entry * NUMBERS + DURATION] = durationUs
    numbers[entry * NUMBERS + US_BEFORE] = usBefore
    header[first + COUNTED_US] = usBefore + Math.max(0, durationUs)
    header[first + COUNTED] = counted + 1
    this.#pending += 1
  }

  /** Declares all that is noted to be settled. */
  clear(): void {
    this.#header[this.#first + SETTLED_BEFORE] = this.counted
    this.#firstEntry = this.entryAt(this.counted)
    this.#pending = 0
  }

  /** The entry of a pending request; they are numbered from 0, the oldest one. */
  pendingEntry(number: number): number {
    return this.entryAt(this.#firstEntry + number)
  }

  /** The entry of a request, by how many the batch had before it. */
  entryAt(request: number): number {
    return request & (JOURNAL_ENTRIES - 1)
  }

  keyAt(entry: number): number {
    return this.#words[entry * WORDS + KEY]!
  }

  operationAt(entry: number): number {
    return this.#words[entry * WORDS + OPERATION]!
  }

  statusAt(entry: number): number {
    return this.#words[entry * WORDS + STATUS]!
  }

  /** Whether an entry is the one of that request. */
  isEntryOf(request: number, entry: number): boolean {
    const check = checkOf(request, this.keyAt(entry), this.operationAt(entry), this.statusAt(entry))
    return this.#words[entry * WORDS + CHECK] === check
  }

  /** Whole microseconds, or `UNMEASURED_US`. */
  durationUsAt(entry: number): number {
    return this.#numbers[entry * NUMBERS + DURATION]!
  }

  /** Microseconds of all requests of the batch before this one. */
  usBeforeAt(entry: number): number {
    return this.#numbers[entry * NUMBERS + US_BEFORE]!
  }
}

function checkOf(request: number, key: number, operation: number, status: number): number {
  return request ^ Math.imul(key, 0x9e3779b1) ^ Math.imul(operation, 0x85ebca6b) ^ (status << 16)
}
