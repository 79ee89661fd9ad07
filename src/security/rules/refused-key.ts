import { escalate, findEndpoints, showRequests, showShare } from '../finding.ts'
import type { Finding, Rule } from '../finding.ts'
import type { Incident, KeyHistory } from '../key-history.ts'
import type { Thresholds } from '../thresholds.ts'

/** A known key that is refused and keeps calling. */
export const refusedKey: Rule = {
  kind: 'refused-key',
  severity: 'medium',
  summary: 'A known key is refused (revoked, expired) and keeps calling.',
  explain: ({ refusedRequests, refusedShare }) =>
    `Adds up the hours of the period in which at least ${showShare(refusedShare)} of the requests of a known key were answered 401 or 403. The key is reported when ${refusedRequests} requests were refused in them. A key that was refused in all of its history is a low finding: it was probably forgotten.`,
  async find(histories, context) {
    const { thresholds } = context
    const findings: Finding[] = []
    for (const history of histories) {
      if (history.isShared) continue
      const hours = history.period().filter((hour) => isRefusedHour(history, hour, thresholds))
      if (history.sum('rejected', hours) < Math.max(1, thresholds.refusedRequests)) continue
      const incident = history.spanOf(hours)
      const filter = { since: incident.from, until: incident.to, status: [401, 403] }
      const endpoints = await findEndpoints(context, history.key, filter)
      findings.push(toFinding(history, incident, thresholds, endpoints))
    }
    return findings
  },
}

/** Whether nearly all requests of a key in an hour were refused. */
export function isRefusedHour(history: KeyHistory, hour: number, { refusedShare }: Thresholds): boolean {
  const rejected = history.count('rejected', hour)
  return !history.isShared && rejected > 0 && rejected >= refusedShare * history.all(hour)
}

function toFinding(
  history: KeyHistory,
  { from, to, hours }: Incident,
  { refusedRequests, refusedShare }: Thresholds,
  endpoints: string[],
): Finding {
  const rejected = history.sum('rejected', hours)
  const before = history.before(history.timeOf(history.periodStart))
  const allBefore = history.sumAll(before)
  const shareBefore = allBefore > 0 ? history.sum('rejected', before) / allBefore : 0
  return {
    kind: 'refused-key',
    severity: shareBefore >= refusedShare ? 'low' : escalate('medium', rejected, refusedRequests),
    key: history.key,
    endpoints,
    from,
    to,
    requestCount: rejected,
    seen: `${showRequests(rejected)} refused, nearly all that it made`,
    normal: allBefore > 0 ? `${showShare(shareBefore)} refused before` : 'no requests before',
    advice:
      'If you revoked the key, tell its owner; a client that does not stop may be somebody else. If you did not, your authentication refuses a customer.',
  }
}
