import { AnalyticsError } from '../model/errors.ts'
import { isReservedKey } from '../model/key.ts'
import { SEVERITIES } from '../model/severity.ts'
import type { KeyRecord } from '../model/key.ts'
import type { UsageRow } from '../model/usage-row.ts'
import type { Finding, FindingSource, RuleContext } from './finding.ts'
import { readHistories } from './read-histories.ts'
import type { HistorySpan, ActiveUnit } from './read-histories.ts'
import { RULES } from './rules.ts'
import { resolveThresholds } from './thresholds.ts'
import type { Thresholds } from './thresholds.ts'
import { DAY_MS, HOUR_MS } from '../time/units.ts'

/** Thresholds that differ from the defaults. */
type GivenThresholds = { readonly [Name in keyof Thresholds]?: Thresholds[Name] | undefined }

/** The period to check, and the thresholds. */
export interface SecurityOptions extends GivenThresholds {
  /** Start of the period, rounded down to the full hour. Default: 24 hours before `until`. */
  readonly since?: Date | undefined
  /** End of the period. Default: now. */
  readonly until?: Date | undefined
}

/** The result of `findFindings`. */
export interface SecurityFindings {
  readonly since: Date
  readonly until: Date
  /** Most severe first, then the latest first. */
  readonly findings: readonly Finding[]
  /** Keys with requests in the period. */
  readonly keyCount: number
  /** How many of these have too little history to know what is normal for them. */
  readonly youngKeyCount: number
  /** Days of history in the database before the period, at most those of `historyWeeks`. */
  readonly historyDays: number
}

/**
 * Looks for what a person should see: every rule of docs/security.md over the keys that were used in a period, against the
 * weeks before it. Reads sums by key and hour, some keys at a time, and writes nothing.
 *
 * ```ts
 * const usage = await openUsage()
 * const { findings } = await findFindings(usage, { since: new Date('2026-11-01'), rateFactor: 6 })
 * ```
 * @throws ARGUMENT_INVALID for a date or threshold that is none
 */
export async function findFindings(
  usage: FindingSource,
  { since, until = new Date(), ...given }: SecurityOptions = {},
): Promise<SecurityFindings> {
  // times and statuses of imported rows may be those of their import
  const source: FindingSource = { findUsage: (query) => usage.findUsage({ ...query, imported: false }) }
  const thresholds = resolveThresholds(given)
  const period = readPeriod(since, until)
  const historySince = new Date(period.since.getTime() - thresholds.historyWeeks * 7 * DAY_MS)
  const before = await source.findUsage({ since: historySince, until: period.since, by: ['key'] })
  const active = await source.findUsage({ ...period, by: ['key'], units: true })
  const units = await findActiveUnits(source, active, { since: historySince, until: period.since })
  const firstBucket = before.reduce(
    (first, row) => (row.firstBucket < first ? row.firstBucket : first),
    period.since,
  )
  const historyDays = (period.since.getTime() - firstBucket.getTime()) / DAY_MS
  const context: RuleContext = {
    source,
    thresholds,
    ...period,
    historySince,
    usualDays: findUsualDays(before, period.since, thresholds),
    hasHistory: historyDays >= thresholds.minHistoryDays,
  }
  const keys = active.map(({ key }) => key!)
  const { findings, youngKeyCount } = await applyRules(keys, context, { firstBucket, units })
  return { ...period, findings, keyCount: countRealKeys(keys), youngKeyCount, historyDays }
}

async function applyRules(
  keys: readonly KeyRecord[],
  context: RuleContext,
  rest: Pick<HistorySpan, 'firstBucket' | 'units'>,
): Promise<{ findings: Finding[]; youngKeyCount: number }> {
  const rules = Object.values(RULES).map((rule) => ({ rule, found: [] as Finding[] }))
  let youngKeyCount = 0
  for await (const histories of readHistories(context.source, keys, { ...context, ...rest })) {
    for (const { rule, found } of rules) found.push(...(await rule.find(histories, context)))
    const young = histories.filter(
      ({ isShared, days }) => !isShared && days < context.thresholds.minHistoryDays,
    )
    youngKeyCount += young.length
  }
  const findings = rules.flatMap(({ rule, found }) => rule.review?.(found, context) ?? found)
  return { findings: findings.toSorted(compareFindings), youngKeyCount }
}

/** The units of the period, each with the keys that used it and its first hour in the history. */
async function findActiveUnits(
  source: FindingSource,
  active: readonly UsageRow[],
  history: { readonly since: Date; readonly until: Date },
): Promise<ActiveUnit[]> {
  const used = active.flatMap(({ key, quantities = [] }) =>
    quantities.map(({ unit }) => ({ unit, keyId: key!.id })),
  )
  const units: ActiveUnit[] = []
  for (const [unit, ofUnit] of Map.groupBy(used, ({ unit }) => unit)) {
    const [before] = await source.findUsage({ ...history, unit })
    const firstBucket = before?.firstBucket ?? history.until
    units.push({ unit, firstBucket, keyIds: new Set(ofUnit.map(({ keyId }) => keyId)) })
  }
  return units
}

function readPeriod(since: Date | undefined, until: Date): { since: Date; until: Date } {
  const start = since ? since.getTime() : until.getTime() - DAY_MS
  const hour = Math.floor(start / HOUR_MS) * HOUR_MS
  if (hour < until.getTime()) return { since: new Date(hour), until }
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    'The period to look at is empty: "since" must be before "until".',
  )
}

/** Requests per day of each key with enough history, fewest first. */
function findUsualDays(before: readonly UsageRow[], since: Date, { minHistoryDays }: Thresholds): number[] {
  const days = before.map(({ key, requestCount, firstBucket }) => ({
    isShared: isReservedKey(key!.id),
    requestCount,
    days: (since.getTime() - firstBucket.getTime()) / DAY_MS,
  }))
  return days
    .filter((one) => !one.isShared && one.days >= minHistoryDays)
    .map((one) => one.requestCount / one.days)
    .toSorted((a, b) => a - b)
}

function countRealKeys(keys: readonly KeyRecord[]): number {
  return keys.filter(({ id }) => !isReservedKey(id)).length
}

function compareFindings(a: Finding, b: Finding): number {
  const rank = SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity)
  return rank || b.to.getTime() - a.to.getTime() || b.requestCount - a.requestCount
}
