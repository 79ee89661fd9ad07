import { escalate, findEndpoints, showCount, showRequests } from '../finding.ts'
import type { Finding, Rule, RuleContext } from '../finding.ts'
import type { KeyHistory } from '../key-history.ts'
import { DAY_MS } from '../../time/units.ts'

/** A new key with more requests than most old ones. */
export const newKeyVolume: Rule = {
  kind: 'new-key-volume',
  severity: 'medium',
  summary: 'A brand-new key makes more requests than nearly all others.',
  explain: ({ newKeyDays, newKeyRequests, minHistoryDays }) =>
    `Checks keys first seen less than ${newKeyDays} days before the end of the period. A key is reported when it made at least ${newKeyRequests} requests within 24 hours, and more than nine of ten keys that have ${minHistoryDays} days of history make on an average day. The database must have that much history too.`,
  async find(histories, context) {
    if (!context.hasHistory) return []
    const findings: Finding[] = []
    for (const history of histories) {
      const day = isNew(history, context) ? busiestDay(history) : undefined
      if (day && day.count >= context.thresholds.newKeyRequests && day.count > usualMost(context)) {
        findings.push(await toFinding(history, day, context))
      }
    }
    return findings
  },
}

/** Counts that were delivered late may be older than the time at which their key was first stored. */
function isNew(history: KeyHistory, { until, thresholds }: RuleContext): boolean {
  const { key, isShared } = history
  const newSince = new Date(until.getTime() - thresholds.newKeyDays * DAY_MS)
  return !isShared && key.firstSeenAt > newSince && history.sumAll(history.before(newSince)) === 0
}

/** The requests that nine of ten old keys do not exceed on an average day. */
function usualMost({ usualDays }: RuleContext): number {
  return usualDays[Math.floor(usualDays.length * 0.9)] ?? 0
}

/** The 24 hours within the period that have the most requests. */
function busiestDay(history: KeyHistory): { count: number; hours: number[] } {
  const period = history.period()
  let best = { count: 0, hours: period }
  for (let first = 0; first === 0 || first + 24 <= period.length; first++) {
    const hours = period.slice(first, first + 24)
    const count = history.sum('served', hours)
    if (count > best.count) best = { count, hours }
  }
  return best
}

async function toFinding(
  history: KeyHistory,
  { count, hours }: { count: number; hours: readonly number[] },
  context: RuleContext,
): Promise<Finding> {
  const used = hours.filter((hour) => history.count('served', hour) > 0)
  const [from, to] = [history.timeOf(used[0]!), history.timeOf(used.at(-1)! + 1)]
  const { newKeyRequests } = context.thresholds
  return {
    kind: 'new-key-volume',
    severity: escalate('medium', count, Math.max(newKeyRequests, usualMost(context))),
    key: history.key,
    endpoints: await findEndpoints(context, history.key, { since: from, until: to }),
    from,
    to,
    requestCount: count,
    seen: `${showRequests(count)} within a day; first seen ${history.key.firstSeenAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    normal: `nine of ten keys make fewer than ${showCount(usualMost(context))} a day`,
    advice: 'Check who created the key and why; give new keys a limit until their owner is known.',
  }
}
