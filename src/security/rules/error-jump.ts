import { escalate, findEndpoints, showCount, showRequests, showShare } from '../finding.ts'
import type { Finding, Rule, RuleContext } from '../finding.ts'
import type { Incident, KeyHistory } from '../key-history.ts'
import { medianOf, surpriseOf } from '../surprise.ts'

/** Errors are rarely independent of each other; this value keeps small clusters of them from being reported. */
const DISPERSION = 0.1
const LEAST_SHARE = 0.01

/** A key whose requests fail far more often than before. */
export const errorJump: Rule = {
  kind: 'error-jump',
  severity: 'medium',
  summary: 'Requests of a key fail far more often than they did.',
  explain: ({ errorRequests, errorShare, errorKeys, surprise, minHistoryDays }) =>
    `The normal share of failed requests is the median over the days of the history. Failed means any status from 400 on, except 401, 403, 404 and 405, which other rules check. An hour is a jump with at least ${errorRequests} failed requests, a failed share at least ${showShare(errorShare)} (in points) above normal, and a chance of at most 1 in 10^${surprise} (Chernoff bound of a negative binomial with dispersion ${DISPERSION}). When ${errorKeys} keys jump in the same hour the cause is your API, not a key: they make one finding. A key needs ${minHistoryDays} days of history.`,
  async find(histories, context) {
    const { thresholds } = context
    const findings: Finding[] = []
    for (const history of histories) {
      if (history.isShared || history.days < thresholds.minHistoryDays) continue
      const normal = usualShare(history)
      const hours = history.period().filter((hour) => isJump(history, hour, normal, context))
      for (const incident of history.toIncidents(hours)) {
        const filter = { since: incident.from, until: incident.to, status: ['4xx', '5xx'] as const }
        const endpoints = await findEndpoints(context, history.key, filter)
        findings.push(toFinding(history, incident, normal, endpoints, thresholds.errorRequests))
      }
    }
    return findings
  },
  review(findings, { thresholds }) {
    const hours = Map.groupBy(findings, ({ from }) => from.getTime())
    return [...hours.values()].flatMap((same) =>
      same.length < thresholds.errorKeys ? same : [mergeJumps(same)],
    )
  },
}

/** The median of the days, so that one bad day does not count as normal. */
function usualShare(history: KeyHistory): number {
  const shares: number[] = []
  for (let day = history.periodStart - 24; day >= history.start; day -= 24) {
    const hours = Array.from({ length: 24 }, (_, hour) => day + hour)
    const all = history.sumAll(hours)
    if (all > 0) shares.push(history.sum('failed', hours) / all)
  }
  return medianOf(shares)
}

function isJump(history: KeyHistory, hour: number, normal: number, { thresholds }: RuleContext): boolean {
  const [failed, all] = [history.count('failed', hour), history.all(hour)]
  if (failed < thresholds.errorRequests || failed / all < normal + thresholds.errorShare) return false
  const expected = all * Math.max(normal, LEAST_SHARE)
  return surpriseOf(failed, expected, DISPERSION) >= thresholds.surprise
}

function toFinding(
  history: KeyHistory,
  { from, to, hours }: Incident,
  normal: number,
  endpoints: string[],
  threshold: number,
): Finding {
  const [failed, all] = [history.sum('failed', hours), history.sumAll(hours)]
  return {
    kind: 'error-jump',
    severity: escalate('medium', failed, threshold * 10),
    key: history.key,
    endpoints,
    from,
    to,
    requestCount: failed,
    seen: `${showCount(failed)} of ${showRequests(all)} failed (${showShare(failed / all)})`,
    normal: `${showShare(normal)} failed`,
    advice:
      'Look at the statuses: 429 is a client over its limit, 400 and 422 a broken client or an attacker who tries inputs, 5xx your own code.',
  }
}

function mergeJumps(findings: readonly Finding[]): Finding {
  const failed = findings.reduce((sum, { requestCount }) => sum + requestCount, 0)
  return {
    kind: 'error-jump',
    severity: 'medium',
    key: null,
    endpoints: [...new Set(findings.flatMap(({ endpoints }) => endpoints))].slice(0, 5),
    from: findings[0]!.from,
    to: new Date(Math.max(...findings.map(({ to }) => to.getTime()))),
    requestCount: failed,
    seen: `${showRequests(failed)} of ${showCount(findings.length)} keys failed, from the same hour on`,
    normal: 'few failed before, for each of them',
    advice: 'Many keys at once: check your API and what was released at that time, not a key.',
  }
}
