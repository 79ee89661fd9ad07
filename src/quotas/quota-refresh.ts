import { performance } from 'node:perf_hooks'
import type { AnalyticsError } from '../model/errors.ts'
import type { StoredQuotas } from '../model/quota.ts'

/** After a measurement of n milliseconds the next one begins 20 n later: it costs the database 5 % of one core. */
const REST_PER_MS = 20

export interface QuotaRefreshParts {
  readonly measure: () => Promise<StoredQuotas>
  readonly onMeasured: (found: StoredQuotas, settled: number) => void
  readonly report: (error: AnalyticsError) => void
}

/** Measures the quotas after flushes, and less often where that takes long. */
export class QuotaRefresh {
  readonly #parts: QuotaRefreshParts
  #restsUntil = -Infinity

  constructor(parts: QuotaRefreshParts) {
    this.#parts = parts
  }

  /** The next refresh measures in any case. */
  hurry(): void {
    this.#restsUntil = -Infinity
  }

  /**
   * Measures unless it rests. Never rejects: counts are delivered also where quotas cannot be read.
   * @param settled the database has all batches before this one
   */
  async refresh(settled: number): Promise<void> {
    const start = performance.now()
    if (start < this.#restsUntil) return
    try {
      this.#parts.onMeasured(await this.#parts.measure(), settled)
    } catch (error) {
      this.#parts.report(error as AnalyticsError)
    }
    const end = performance.now()
    this.#restsUntil = end + (end - start) * REST_PER_MS
  }
}
