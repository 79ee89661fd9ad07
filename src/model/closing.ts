import type { KeyObject } from 'node:crypto'
import type { StatementSummary } from './statement.ts'
import type { StatusFilter } from './usage-query.ts'

/** A period to close, and how: one of `month`, `week` and `day`. */
export interface ClosePeriodOptions {
  /** `2026-10` */
  readonly month?: string | undefined
  /** `2026-W40`: ISO 8601, from Monday. */
  readonly week?: string | undefined
  /** `2026-10-05` */
  readonly day?: string | undefined
  /** IANA name. Default `UTC`. */
  readonly timeZone?: string | undefined
  /** Statuses and classes that are billed, at least one: `'2xx'`, `['2xx', 304]`. */
  readonly billable: StatusFilter | readonly StatusFilter[]
  /**
   * Bill although exactly this much was counted and never arrived: a number of requests, or a number per unit such as
   * `{ requests: 3, tokens: 1200 }`.
   */
  readonly acceptMissing?: number | Readonly<Record<string, number | bigint>> | undefined
  /** Compute everything and store nothing. */
  readonly dryRun?: boolean | undefined
  /** Sign with this Ed25519 key: PEM, or a key of `node:crypto`. */
  readonly privateKey?: string | KeyObject | undefined
  /** Folder with the counter files in which no counts may wait. Default: the same as for the app. */
  readonly dataDir?: string | undefined
}

/** A statement that was made, or would be made. */
export interface ClosedStatement extends StatementSummary {
  /** False after a dry run. */
  readonly stored: boolean
  /** Why the period cannot be closed now, each with its remedy; only after a dry run. */
  readonly refusals: readonly string[]
  readonly warnings: readonly string[]
}
