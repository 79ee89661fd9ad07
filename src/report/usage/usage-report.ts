import type { CalendarUnit } from '../../time/calendar.ts'
import type { GroupKey } from '../../model/key.ts'
import type { UsageDimension } from '../../model/usage-query.ts'
import { hasUsage } from './amount.ts'
import type { Amount } from './amount.ts'

/** The numbers of a total or a group. */
export interface Measures {
  /** In a report of a unit: those that used it. So are the next four. */
  readonly requests: number
  /** Of the unit; only in a report of one. */
  readonly quantity?: bigint | undefined
  /** Statuses 400-499. */
  readonly clientErrors: number
  /** Statuses 500-599. */
  readonly serverErrors: number
  /** Statuses 401 and 403. */
  readonly rejected: number
  /** Statuses 400-599 over requests, 0 to 1. */
  readonly errorRate: number
  /** Null in a report of a unit: quantities have no durations. */
  readonly meanDurationMs: number | null
  /** Start of the first and of the last bucket with a request. */
  readonly firstUsed: Date | null
  readonly lastUsed: Date | null
  /** Requests whose duration was measured; this and the next three only with latencies. */
  readonly measured?: number
  /** Half, 95 % and 99 % of those took at most this long, to within 10 %; null when none was measured. */
  readonly p50Ms?: number | null
  readonly p95Ms?: number | null
  readonly p99Ms?: number | null
  /** Requests in the previous period; only when compared. */
  readonly previousRequests?: number | undefined
  /** Of the unit, in the previous period. */
  readonly previousQuantity?: bigint | undefined
  /** Change of the requests, or of the quantity, against the previous period: 0.1 is 10 % more; null when there was nothing before, or no history of it. */
  readonly change?: number | null | undefined
}

/** One group. Only the dimensions of the section are set. */
export interface ReportGroup extends Measures {
  readonly key?: GroupKey
  readonly endpoint?: string
  readonly method?: string
  readonly status?: number
  readonly owner?: string | null
  readonly hour?: Date
  readonly day?: Date
  readonly week?: Date
  readonly month?: Date
  /** What a line with a price bills; its quantity is `quantity`. */
  readonly unit?: string
  /** What that costs: a decimal number as text; null when no price fits. */
  readonly amount?: string | null
  /** Share of all requests of the report, or of all of its quantity, 0 to 1. */
  readonly share: number
  /** Requests, or quantity, per step of the report's series. */
  readonly trend?: readonly Amount[] | undefined
}

/** Groups by one list of dimensions. */
export interface ReportSection {
  readonly by: readonly UsageDimension[]
  /** All groups, shown or not. */
  readonly groupCount: number
  /** Only for groups by key alone: those that are one key or one line, without `(other)` and `(rejected)`. */
  readonly keyCount?: number | undefined
  readonly groups: readonly ReportGroup[]
}

/** Requests over time, without holes; of a unit, its quantity too. */
export interface ReportSeries {
  readonly unit: CalendarUnit
  readonly steps: readonly {
    readonly start: Date
    readonly requests: number
    readonly errors: number
    readonly quantity?: bigint | undefined
  }[]
}

/** The previous period. */
export interface ReportedPrevious {
  readonly since: Date
  readonly until: Date
  readonly text: string
  /** The first bucket of the database, when that period begins before it: there is no change then. */
  readonly historyBegins: Date | null
}

/** What the lines of an invoice cost. */
export interface InvoicePrices {
  /** ISO 4217. */
  readonly currency: string
  /** A decimal number as text, as are the other amounts. */
  readonly total: string
  /** By customer: an owner, or a key without one. */
  readonly customers: readonly {
    readonly owner: string | null
    readonly keyId?: string
    readonly amount: string
  }[]
}

/** One report as plain data: the data of `--json` and of every renderer. */
export interface UsageReport {
  readonly report: 'overview' | 'usage' | 'invoice'
  /** What is counted instead of requests, such as `tokens`; only in a report of a unit. */
  readonly unit?: string | undefined
  readonly period: {
    readonly since: Date | null
    readonly until: Date | null
    readonly timeZone: string
    /** The parsed period. */
    readonly text: string
    /** Whether the period is over; its figures are not final before. */
    readonly complete: boolean
    /** The end of the counted time: `until`, or the time of the report. */
    readonly figuresTo: Date
  }
  /** The basis of comparison; only when compared. */
  readonly previous?: ReportedPrevious | undefined
  readonly total: Measures
  /** Keys with requests, without `(other)` and `(rejected)`. */
  readonly activeKeys?: number | undefined
  readonly activeEndpoints?: number | undefined
  readonly series?: ReportSeries | undefined
  readonly sections: readonly ReportSection[]
  /** What the lines cost; only on an invoice with prices. */
  readonly prices?: InvoicePrices | undefined
  /** What a reader has to know about the numbers; empty when they are exact. */
  readonly notes: readonly string[]
}

/** Whether there is anything to show. A priced invoice may have quantities only. */
export function hasLines({ total, sections }: Pick<UsageReport, 'total' | 'sections'>): boolean {
  return hasUsage(total) || sections.some(({ groupCount }) => groupCount > 0)
}
