import { performance } from 'node:perf_hooks'
import type { AnalyticsError } from '../model/errors.ts'

/** After a reading of n milliseconds the next one begins 20 n later: it costs the database 5 % of one core. */
const REST_PER_MS = 20

export interface RefreshParts<Found> {
  readonly read: () => Promise<Found>
  /** `settled`: the database had all batches before this one when it was read. */
  readonly onRead: (found: Found, settled: number) => void
  readonly report: (error: AnalyticsError) => void
}

/** Reads something of the database after flushes, such as the quotas, and less often where that takes long. */
export class Refresh<Found> {
  readonly #parts: RefreshParts<Found>
  #restsUntil = -Infinity

  constructor(parts: RefreshParts<Found>) {
    this.#parts = parts
  }

  /** The next refresh reads in any case. */
  hurry(): void {
    this.#restsUntil = -Infinity
  }

  /**
   * Reads unless it rests. Never rejects: counts are delivered also where this cannot be read.
   * @param settled the database has all batches before this one
   */
  async refresh(settled: number): Promise<void> {
    const start = performance.now()
    if (start < this.#restsUntil) return
    try {
      this.#parts.onRead(await this.#parts.read(), settled)
    } catch (error) {
      this.#parts.report(error as AnalyticsError)
    }
    const end = performance.now()
    this.#restsUntil = end + (end - start) * REST_PER_MS
  }
}
