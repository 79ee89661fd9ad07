import { countOf, formatCount, formatShare } from '../terminal/format-number.ts'
import { SEVERITIES } from '../model/severity.ts'
import type { Severity } from '../model/severity.ts'
import type { KeyRecord } from '../model/key.ts'
import type { UsageQuery } from '../model/usage-query.ts'
import type { UsageRow } from '../model/usage-row.ts'
import type { KeyHistory } from './key-history.ts'
import type { Thresholds } from './thresholds.ts'

/** The kinds of findings: one rule each. */
export type FindingKind =
  | 'rejected-burst'
  | 'refused-key'
  | 'unusual-rate'
  | 'unusual-quantity'
  | 'error-jump'
  | 'scanning'
  | 'new-endpoint'
  | 'dormant-key'
  | 'new-key-volume'

/** Something that a person should check. */
export interface Finding {
  readonly kind: FindingKind
  readonly severity: Severity
  /** The key of the requests; null when the finding is about many keys. */
  readonly key: KeyRecord | null
  /** The unit that the finding is about, and its quantity; only for `unusual-quantity`. */
  readonly unit?: string
  readonly quantity?: bigint
  /** Operations such as `GET /users/:id`, most requested first; at most five. */
  readonly endpoints: readonly string[]
  /** Start of the first affected hour. */
  readonly from: Date
  /** End of the last affected hour, exclusive. */
  readonly to: Date
  /** The requests that caused the finding. */
  readonly requestCount: number
  /** What was seen. */
  readonly seen: string
  /** What is normal for this key. */
  readonly normal: string
  /** What to do. */
  readonly advice: string
}

/** The source of usage for the rules: an open `Usage`, or any object with its `findUsage`. */
export interface FindingSource {
  findUsage(query: UsageQuery): Promise<UsageRow[]>
}

/** What rules know besides the keys that they check. */
export interface RuleContext {
  readonly source: FindingSource
  readonly thresholds: Thresholds
  /** The period to check; `since` is the start of an hour. */
  readonly since: Date
  readonly until: Date
  /** Start of the history that the period is compared with. */
  readonly historySince: Date
  /** Requests on an average day of each key with enough history, fewest first. */
  readonly usualDays: readonly number[]
  /** Whether the database itself goes back far enough to distinguish old from new. */
  readonly hasHistory: boolean
}

/** One rule. */
export interface Rule {
  readonly kind: FindingKind
  /** The usual severity. A finding that exceeds its threshold tenfold is one step more severe. */
  readonly severity: Severity
  /** One line: what it finds. */
  readonly summary: string
  /** How it works, with the current thresholds. */
  explain(thresholds: Thresholds): string
  /** Checks some keys. */
  find(histories: readonly KeyHistory[], context: RuleContext): Finding[] | Promise<Finding[]>
  /** Checks the findings of all keys together, for rules in which one finding changes the meaning of others. */
  review?(findings: readonly Finding[], context: RuleContext): Finding[]
}

/** One step more severe when a value is at least ten times its threshold. */
export function escalate(severity: Severity, size: number, threshold: number): Severity {
  const next = SEVERITIES[SEVERITIES.indexOf(severity) + 1]
  return next && size >= threshold * 10 ? next : severity
}

/** `1,234` */
export function showCount(count: number | bigint): string {
  return formatCount(typeof count === 'bigint' ? count : Math.round(count))
}

/** `1,234 requests` */
export function showRequests(count: number): string {
  return countOf(Math.round(count), 'request')
}

/** `12%` */
export function showShare(share: number): string {
  return formatShare(share, share > 0 && share < 0.1 ? 1 : 0)
}

/** The operations of a key in a period with the most requests, or the most of a unit; at most five. */
export async function findEndpoints(
  { source }: RuleContext,
  key: Pick<KeyRecord, 'id'>,
  filter: Pick<UsageQuery, 'since' | 'until' | 'status' | 'unit'>,
): Promise<string[]> {
  const rows = await source.findUsage({ ...filter, keyIds: [key.id], by: ['method', 'endpoint'], limit: 5 })
  return rows.map(({ method, endpoint }) => `${method} ${endpoint}`)
}
