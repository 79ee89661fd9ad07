import { AnalyticsError } from '../model/errors.ts'
import type { AnalyticsErrorCode } from '../model/errors.ts'
import type { DatabaseFacts, UsageStore } from '../store/usage-store.ts'
import { targetOf } from '../options/database-target.ts'
import type { CounterFile } from './file/counter-file.ts'
import { faultPoint } from '../model/fault-point.ts'
import { isMeantFor } from './folder/is-meant-for.ts'
import type { SealedBatch } from './file/sealed-batch.ts'
import { setBatchAside } from './set-aside/set-batch-aside.ts'

export interface DeliveryParts {
  readonly store: UsageStore
  readonly dataDir: string
  readonly report: (error: AnalyticsError) => void
  /** Sends a batch also if it was counted for another database, or tried on it: it may then be counted in both. */
  readonly adopt?: boolean
  /** Called when an own file turns out to be counted into by another process too. */
  readonly onCopied?: (file: CounterFile) => void
}

const REFUSALS: ReadonlySet<AnalyticsErrorCode> = new Set(['BATCH_REFUSED', 'INSTANCE_COPIED'])

/** Whether a batch got an answer that no retry would change. */
export function isRefusal(error: unknown): error is AnalyticsError {
  return error instanceof AnalyticsError && REFUSALS.has(error.code)
}

/** The location of a dead process's file, and whether this process counted its requests. */
export interface DeliveryOrigin {
  readonly path?: string
  readonly origin?: 'own' | 'foreign'
}

/** Brings the sealed batches of counter files to the store, oldest first, each exactly once. */
export class Delivery {
  readonly #parts: DeliveryParts
  #delivered = 0
  #deliveredAdditions = 0
  #batches = 0
  #rows = 0

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Requests of this process that are delivered or set aside. */
  get delivered(): number {
    return this.#delivered
  }

  /** The same of late additions. */
  get deliveredAdditions(): number {
    return this.#deliveredAdditions
  }

  /** Batches delivered or set aside. */
  get batches(): number {
    return this.#batches
  }

  /** Rows of this process in batches that are delivered or set aside. */
  get rows(): number {
    return this.#rows
  }

  /**
   * Delivers every sealed batch of a file.
   * @param origin `foreign` for the file of another process, which is not among the counts of this one
   * @returns false when a batch of a dead process has to stay because it was counted for another database, or tried on it
   * @throws AnalyticsError when the database does not take it now; DATABASE_CHANGED for such a batch of a living process
   */
  async deliver(
    file: CounterFile,
    facts: DatabaseFacts,
    { path, origin = 'own' }: DeliveryOrigin = {},
  ): Promise<boolean> {
    // a file of this process belongs to its database
    if (path !== undefined && !this.#isMeantFor(file, facts, path)) return false
    for (const batch of file.sealedBatches()) {
      if (!this.#mayTry(batch, facts, path)) return false
      if (batch.databaseId !== facts.databaseId) file.stamp(batch, facts.databaseId)
      const isOurs = await this.#record(batch, facts)
      if (!isOurs && origin === 'own') this.#parts.onCopied?.(file)
      faultPoint('batch committed')
      file.markDelivered(batch)
      this.#batches += 1
      if (origin === 'foreign') continue
      this.#delivered += batch.requestCount
      this.#deliveredAdditions += batch.additionCount
      this.#rows += batch.rowCount
    }
    return true
  }

  /** The first check: most files for another database were never tried on one. */
  #isMeantFor(file: CounterFile, facts: DatabaseFacts, path: string): boolean {
    const batches = file.sealedBatches()
    const { target } = file.identity
    const { dataDir, adopt } = this.#parts
    const isTriedHere = batches.some((batch) => batch.databaseId === facts.databaseId)
    if (adopt || batches.length === 0 || isTriedHere || isMeantFor(target, facts, dataDir)) return true
    const here = targetOf(facts.databaseLabel, dataDir)
    const requests = batches.reduce((sum, { requestCount }) => sum + requestCount, 0)
    this.#parts.report(
      new AnalyticsError(
        'DATABASE_CHANGED',
        `${requests} requests in ${path} were counted for ${target}, but this database is ${here}. They are kept. Connect to the former database, or run "apikey-analytics flush --adopt" to send them here. If they are of no use, such as those of a test run, delete that file.`,
      ),
    )
    return false
  }

  #mayTry(batch: SealedBatch, { databaseId }: DatabaseFacts, path: string | undefined): boolean {
    if (batch.databaseId === undefined || batch.databaseId === databaseId || this.#parts.adopt) return true
    // the folder of a living process is locked, so the command would not see it
    const first = path === undefined ? 'restart the app and then ' : ''
    const error = new AnalyticsError(
      'DATABASE_CHANGED',
      `A batch of ${batch.requestCount} requests was tried on database ${batch.databaseId}, but this is ${databaseId}. It is kept. Connect to the former database, or ${first}run "apikey-analytics flush --adopt" to send it here.`,
    )
    if (path === undefined) throw error
    this.#parts.report(error)
    return false
  }

  /** @returns false when another process counts as the same instance */
  async #record(batch: SealedBatch, { databaseId }: DatabaseFacts): Promise<boolean> {
    try {
      await this.#parts.store.recordBatch(batch)
      return true
    } catch (error) {
      if (!isRefusal(error)) throw error
      await setBatchAside(batch, error, { ...this.#parts, databaseId })
      return error.code !== 'INSTANCE_COPIED'
    }
  }
}
