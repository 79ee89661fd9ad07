import type { CounterMode } from '../buffer/file/counter-memory.ts'
import type { AnalyticsError } from '../model/errors.ts'

/** What `analytics.stats()` returns. Counts are requests since this process started. */
export interface AnalyticsStats {
  /** Requests counted. */
  readonly counted: number
  /** Those of them that are in the database, or set aside because the database refused them. */
  readonly flushed: number
  /** Requests that wait: `counted - flushed`. */
  readonly pending: number
  /** Flushes that failed; each was retried or will be. */
  readonly failedFlushes: number
  /** Those of them since the last one that succeeded. */
  readonly failuresInRow: number
  readonly lastError: AnalyticsError | undefined
  /** When the last flush succeeded. */
  readonly lastFlushAt: Date | undefined
  /** `mapped` and `written` survive a kill of the process, `memory` does not; `off` counts nothing. */
  readonly mode: CounterMode | 'off'
  /** Bytes on disk of the counter files of this process. */
  readonly counterFileBytes: number
}
