import { formatCount, formatShare } from '../report/format-number.ts'
import type { KeyRecord } from '../model/key.ts'
import type { UsageQuery } from '../model/usage-query.ts'
import type { UsageRow } from '../model/usage-row.ts'
import type { KeyHistory } from './key-history.ts'
import type { Thresholds } from './thresholds.ts'

/** How bad a finding is, worst last. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** What kinds of findings there are: one rule each. */
export type FindingKind =
  | 'rejected-burst'
  | 'refused-key'
  | 'unusual-rate'
  | 'error-jump'
  | 'scanning'
  | 'new-endpoint'
  | 'dormant-key'
  | 'new-key-volume'

/** Something that a person should look at. */
export interface Finding {
  readonly kind: FindingKind
  readonly severity: Severity
  /** Whose requests; null when many keys are concerned at once. */
  readonly key: KeyRecord | null
  /** Operations such as `GET /users/:id`, most requested first; at most five. */
  readonly endpoints: readonly string[]
  /** Start of the first hour concerned. */
  readonly from: Date
  /** End of the last hour concerned, not included. */
  readonly to: Date
  /** The requests that make the finding. */
  readonly requestCount: number
  /** What was seen. */
  readonly seen: string
  /** What is normal for this key. */
  readonly normal: string
  /** What to do. */
  readonly advice: string
}

/** Where the rules read usage: an opened `Usage`, or anything with its `findUsage`. */
export interface FindingSource {
  findUsage(query: UsageQuery): Promise<UsageRow[]>
}

/** What rules know besides the keys they look at. */
export interface RuleContext {
  readonly source: FindingSource
  readonly thresholds: Thresholds
  /** The period that is looked at; `since` is the start of an hour. */
  readonly since: Date
  readonly until: Date
  /** Start of the history that the period is compared with. */
  readonly historySince: Date
  /** Requests on an average day of each key that has enough history, fewest first. */
  readonly usualDays: readonly number[]
  /** Whether the database itself goes back far enough to distinguish old from new. */
  readonly hasHistory: boolean
}

/** One rule. */
export interface Rule {
  readonly kind: FindingKind
  /** Of a plain finding; one that exceeds its threshold tenfold is one step more severe. */
  readonly severity: Severity
  /** One line: what it finds. */
  readonly summary: string
  /** How it works, with its thresholds as they are set. */
  explain(thresholds: Thresholds): string
  /** Looks at some keys. */
  find(histories: readonly KeyHistory[], context: RuleContext): Finding[] | Promise<Finding[]>
  /** Looks at the findings of all keys together, where one means less or more beside others. */
  review?(findings: readonly Finding[], context: RuleContext): Finding[]
}

/** One step more severe when something is at least ten times as large as it has to be. */
export function escalate(severity: Severity, size: number, threshold: number): Severity {
  const next = SEVERITIES[SEVERITIES.indexOf(severity) + 1]
  return next && size >= threshold * 10 ? next : severity
}

/** `1,234` */
export function showCount(count: number): string {
  return formatCount(Math.round(count))
}

/** `1,234 requests` */
export function showRequests(count: number): string {
  return `${showCount(count)} ${Math.round(count) === 1 ? 'request' : 'requests'}`
}

/** `12%` */
export function showShare(share: number): string {
  return formatShare(share, share > 0 && share < 0.1 ? 1 : 0)
}

/** The most requested operations of a key in a time, at most five. */
export async function findEndpoints(
  { source }: RuleContext,
  key: Pick<KeyRecord, 'id'>,
  filter: Pick<UsageQuery, 'since' | 'until' | 'status'>,
): Promise<string[]> {
  const rows = await source.findUsage({ ...filter, keyIds: [key.id], by: ['method', 'endpoint'], limit: 5 })
  return rows.map(({ method, endpoint }) => `${method} ${endpoint}`)
}
