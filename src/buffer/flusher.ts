import { AnalyticsError } from '../model/errors.ts'
import type { DatabaseFacts } from '../store/usage-store.ts'
import { Delivery } from './delivery.ts'
import { rememberDatabase } from './folder/known-databases.ts'
import { Housekeeping } from './housekeeping.ts'
import type { HousekeepingParts } from './housekeeping.ts'

/** Waits after failures: doubled each time from the first to the longest, halved at random. */
const FIRST_RETRY_MS = 250
const LONGEST_RETRY_MS = 15_000
/**
 * After a flush of n rows the next one begins at least n milliseconds later, up to a minute. With fewer flushes more
 * requests share a row, which saves time in the app and in the database.
 */
const REST_MS_PER_ROW = 1
const LONGEST_REST_MS = 60_000
/** `close()` waits this long for a database that does not answer; the counts stay in the counter file. */
const CLOSE_MS = 10_000

export interface FlusherParts extends HousekeepingParts {
  readonly flushIntervalMs: number
  /** Registers the routes that are due; never rejects. */
  readonly routes?: { refresh(): Promise<void> } | undefined
  /** What is read after a flush; `settled`: the database has all batches before this one. */
  readonly refreshes?: readonly { hurry(): void; refresh(settled: number): Promise<void> }[] | undefined
}

/** Seals and delivers at every interval, one flush at a time; retries with growing waits while the database is away. */
export class Flusher {
  readonly #parts: FlusherParts
  readonly #delivery: Delivery
  readonly #housekeeping: Housekeeping
  #interval: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #flushedAt = -Infinity
  /** The shortest time from that flush to the start of the next one. */
  #restMs = 0
  #failuresInRow = 0
  #failedFlushes = 0
  #lastError: AnalyticsError | undefined
  #lastFlushAt: Date | undefined
  #completeAt: number | undefined
  /** The database that the data folder knows to be the one of this process. */
  #remembered: string | undefined
  #closed = false

  constructor(parts: FlusherParts) {
    this.#parts = parts
    this.#delivery = new Delivery({
      ...parts,
      // two processes count as one instance: continue under a new one
      onCopied: (file) => file === parts.buffer.files().at(-1) && parts.buffer.leaveFile(),
    })
    this.#housekeeping = new Housekeeping(parts, this.#delivery)
  }

  /** Late additions of this process that are delivered or set aside. */
  get deliveredAdditions(): number {
    return this.#delivery.deliveredAdditions
  }

  get state() {
    return {
      flushed: this.#delivery.delivered,
      failedFlushes: this.#failedFlushes,
      failuresInRow: this.#failuresInRow,
      lastError: this.#lastError,
      lastFlushAt: this.#lastFlushAt,
    }
  }

  /** Epoch milliseconds: everything that this process counted before is delivered. Undefined before the first flush. */
  get completeAt(): number | undefined {
    return this.#completeAt
  }

  start(): void {
    // unref: neither the next flush nor a retry keeps the process alive; what waits is in the counter file.
    this.#interval = setInterval(() => this.#tick(), this.#parts.flushIntervalMs).unref()
    setImmediate(() => this.trigger())
  }

  /** Starts a flush in the background. */
  trigger(): void {
    if (!this.#closed && !this.#running && !this.#retry) this.#flushInBackground()
  }

  /**
   * Delivers everything that was counted before the call.
   * @throws AnalyticsError when the database cannot take it now; the counts are kept and retried
   */
  async flush(): Promise<void> {
    // A flush that is running may have sealed before the last counts.
    await this.#running?.catch(() => {})
    for (const refresh of this.#parts.refreshes ?? []) refresh.hurry()
    await this.#flushOnce()
  }

  /** Stops the timers and flushes one last time, within ten seconds; never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#interval)
    clearTimeout(this.#retry)
    const finished = this.flush()
      .catch(() => {})
      .then(() => this.#parts.store.close())
      .catch(() => {})
    await Promise.race([finished, wait(CLOSE_MS)])
  }

  #tick(): void {
    const { buffer } = this.#parts
    this.#housekeeping.checkFile()
    // also during a rest and while the database is away, so that a bucket that is over is closed in time
    if (!buffer.hasSealed() && this.#isResting()) return
    buffer.seal()
    this.trigger()
  }

  /** A small flush in between does not end the rest after a large one. */
  #rest(flushedAt: number, rows: number): void {
    const restMs = Math.min(rows * REST_MS_PER_ROW, LONGEST_REST_MS)
    if (this.#isResting() && restMs < this.#restMs) return
    this.#flushedAt = flushedAt
    this.#restMs = restMs
  }

  #isResting(): boolean {
    const { buffer, now } = this.#parts
    // counts that are only in memory are not safe until they are flushed; a clock that was set back must not stop all
    return buffer.mode !== 'memory' && Math.abs(now() - this.#flushedAt) < this.#restMs
  }

  #flushInBackground(seal = true): void {
    this.#flushOnce(seal).catch(() => {
      if (!this.#closed) this.#scheduleRetry()
    })
  }

  #scheduleRetry(): void {
    const longest = Math.min(FIRST_RETRY_MS * 2 ** (this.#failuresInRow - 1), LONGEST_RETRY_MS)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined
        this.trigger()
      },
      longest * (0.5 + Math.random() / 2),
    ).unref()
  }

  #flushOnce(seal = true): Promise<void> {
    this.#running ??= this.#run(seal).finally(() => {
      this.#running = undefined
      // after the callers that wait for a flush
      if (this.#housekeeping.isUnfinished) setImmediate(() => this.#goOnRecovering()).unref()
    })
    return this.#running
  }

  /** Delivers own batches first, if the interval has sealed one since. */
  #goOnRecovering(): void {
    if (!this.#closed && !this.#running && !this.#retry) this.#flushInBackground(false)
  }

  async #run(seal: boolean): Promise<void> {
    const { buffer, store, routes, now } = this.#parts
    const startedAt = now()
    const rowsBefore = this.#delivery.rows
    try {
      const facts = await store.connect()
      this.#checkPepper(facts)
      this.#remember(facts)
      // before the counts: they are noted as calls of these routes
      await routes?.refresh()
      const sealed = !seal || buffer.seal()
      let settled = await this.#deliverFiles(facts)
      if (!sealed || buffer.hasSealed()) {
        // counts behind a waiting batch could not be sealed before, and files may have been left since
        buffer.seal()
        settled = await this.#deliverFiles(facts)
      }
      this.#rest(startedAt, this.#delivery.rows - rowsBefore)
      this.#lastFlushAt = new Date(this.#parts.now())
      if (seal && !buffer.hasSealed()) this.#completeAt = startedAt
      await this.#housekeeping.run(facts)
      for (const refresh of this.#closed ? [] : (this.#parts.refreshes ?? [])) await refresh.refresh(settled)
      this.#failuresInRow = 0
    } catch (cause) {
      throw this.#noteFailure(cause)
    }
  }

  /**
   * A file that waits for another database does not stop the others.
   * @returns the number of the first batch that may not be delivered
   */
  async #deliverFiles(facts: DatabaseFacts): Promise<number> {
    const { buffer } = this.#parts
    const before = buffer.openBatch
    let refusal: AnalyticsError | undefined
    for (const file of buffer.files()) {
      try {
        await this.#delivery.deliver(file, facts)
        buffer.release(file)
      } catch (error) {
        if (!(error instanceof AnalyticsError) || error.code !== 'DATABASE_CHANGED') throw error
        refusal ??= error
      }
    }
    if (refusal) throw refusal
    // what was sealed meanwhile may be delivered too
    return buffer.hasSealed() ? before : buffer.openBatch
  }

  #remember(facts: DatabaseFacts): void {
    if (!this.#parts.folder || this.#remembered === facts.databaseId) return
    rememberDatabase(facts, this.#parts.dataDir)
    this.#remembered = facts.databaseId
  }

  #checkPepper({ pepperMatches }: DatabaseFacts): void {
    if (pepperMatches) return
    this.#parts.report(
      new AnalyticsError(
        'PEPPER_MISMATCH',
        'The database was filled with another pepper: the same API key gets another id here. Check the option "pepper" or APIKEY_ANALYTICS_PEPPER.',
      ),
    )
  }

  #noteFailure(cause: unknown): AnalyticsError {
    const error =
      cause instanceof AnalyticsError
        ? cause
        : new AnalyticsError('INTERNAL', 'A flush failed; the counts are kept and tried again.', { cause })
    this.#failuresInRow += 1
    this.#failedFlushes += 1
    this.#lastError = error
    this.#parts.report(error)
    return error
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}
