import { AnalyticsError } from '../model/errors.ts'
import type { DatabaseFacts, UsageStore } from '../store/usage-store.ts'
import type { Delivery } from './delivery.ts'
import type { CounterBuffer } from './counter-buffer.ts'
import type { ProcessFolder } from './folder/process-folder.ts'
import { recoverCounts } from './folder/recovery.ts'

/** How often the database is asked for known keys, and the data folder for what dead processes left. */
const HOUSEKEEPING_MS = 60_000
/** How long counts of dead processes are delivered before this process checks its own again. */
const RECOVERY_TURN_MS = 1000

export interface HousekeepingParts {
  readonly buffer: CounterBuffer
  /** Undefined when all is in memory: there is nothing to recover then. */
  readonly folder: ProcessFolder | undefined
  readonly store: UsageStore
  readonly dataDir: string
  /** How many known keys to ask the database for. */
  readonly maxKeys: number
  readonly onKnownKeys: (ids: readonly string[]) => void
  readonly report: (error: AnalyticsError) => void
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** The work of about once a minute, most of it after a flush that succeeded; the recovery takes as many turns as it needs. */
export class Housekeeping {
  readonly #parts: HousekeepingParts
  readonly #delivery: Delivery
  #ranAt = -Infinity
  #checkedAt = -Infinity
  /** The folder at which the recovery continues, when one turn was not enough. */
  #nextFolder: string | undefined

  constructor(parts: HousekeepingParts, delivery: Delivery) {
    this.#parts = parts
    this.#delivery = delivery
  }

  /** Whether the recovery needs another turn. */
  get isUnfinished(): boolean {
    return this.#nextFolder !== undefined
  }

  /** Does what is due. */
  async run(facts: DatabaseFacts): Promise<void> {
    const { folder, store, maxKeys, onKnownKeys, now } = this.#parts
    this.checkFile()
    if (!this.isUnfinished) {
      if (!this.#isDue(this.#ranAt)) return
      onKnownKeys(await store.findKnownKeys(maxKeys))
    }
    if (folder) await this.#recover(facts)
    this.#ranAt = now()
  }

  /** Leaves the open file when its counts would die with the process. Also while the database is away. */
  checkFile(): void {
    const { buffer, folder, dataDir, report, now } = this.#parts
    if (!folder || !this.#isDue(this.#checkedAt)) return
    this.#checkedAt = now()
    // Only the open one: the others are in memory, and were left already.
    const file = buffer.files().at(-1)!
    const isDeleted = folder.isDeleted(file)
    if (isDeleted) {
      report(deletedFile(dataDir))
      folder.abandon()
    }
    if (isDeleted || file.mode === 'memory') buffer.leaveUnsafeFile()
  }

  #isDue(doneAt: number): boolean {
    // a clock that was set back must not stop it until it has caught up
    return Math.abs(this.#parts.now() - doneAt) >= HOUSEKEEPING_MS
  }

  async #recover(facts: DatabaseFacts): Promise<void> {
    const { dataDir, report, now } = this.#parts
    const turnEnd = performance.now() + RECOVERY_TURN_MS
    this.#nextFolder = await recoverCounts({
      dataDir,
      deliver: (file, path) => this.#delivery.deliver(file, facts, { path, origin: 'foreign' }),
      report,
      now,
      from: this.#nextFolder,
      hasTime: () => performance.now() < turnEnd,
    })
  }
}

function deletedFile(dataDir: string): AnalyticsError {
  return new AnalyticsError(
    'DATA_DIR_UNWRITABLE',
    `The counter file in ${dataDir} was deleted while it was in use. Its counts are still in memory and will be delivered; counting continues in a new file. Do not delete this folder while the app runs.`,
  )
}
