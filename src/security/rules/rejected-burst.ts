import { escalate, findEndpoints, showCount, showRequests } from '../finding.ts'
import type { Finding, Rule } from '../finding.ts'
import type { KeyHistory, Surge } from '../key-history.ts'
import { isRefusedHour } from './refused-key.ts'

/** Many requests that were rejected. */
export const rejectedBurst: Rule = {
  kind: 'rejected-burst',
  severity: 'high',
  summary: 'Many requests answered 401 or 403: a client guesses keys, or tries what its key may not do.',
  explain: ({ rejectedRequests, rejectedFactor, surprise }) =>
    `Checks every hour of the period with at least ${rejectedRequests} requests answered 401 or 403, of unknown keys together, the key (rejected), and of each known key. They are reported when they are at least ${rejectedFactor} times what is normal for that hour of the week and the chance of so many is at most 1 in 10^${surprise}. Hours in which nearly all requests of a known key were refused are left to refused-key.`,
  async find(histories, context) {
    const { rejectedRequests, rejectedFactor, surprise } = context.thresholds
    const findings: Finding[] = []
    for (const history of histories) {
      const surges = history
        .findSurges('rejected', { atLeast: rejectedRequests, factor: rejectedFactor, surprise })
        .filter(({ hours }) => !hours.every((hour) => isRefusedHour(history, hour, context.thresholds)))
      for (const surge of surges) {
        const { from, to } = surge
        const filter = { since: from, until: to, status: [401, 403] }
        findings.push(
          toFinding(history, surge, rejectedRequests, await findEndpoints(context, history.key, filter)),
        )
      }
    }
    return findings
  },
}

function toFinding(history: KeyHistory, surge: Surge, threshold: number, endpoints: string[]): Finding {
  const { from, to, count, peak } = surge
  const advice = history.isShared
    ? 'A client guesses keys. Find its addresses in the log of your proxy and block or slow them down; make sure that no guessed key was let in.'
    : 'Ask the owner what changed. If nothing changed, the key may be stolen: replace it.'
  return {
    kind: 'rejected-burst',
    severity: escalate('high', peak.count, threshold),
    key: history.key,
    endpoints,
    from,
    to,
    requestCount: count,
    seen: `${showRequests(count)} answered 401 or 403, ${showCount(peak.count)} in one hour`,
    normal: `${showCount(peak.normal)} in such an hour`,
    advice,
  }
}
