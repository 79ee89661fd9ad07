import { escalate, findEndpoints, showCount, showRequests } from '../finding.ts'
import type { Finding, Rule } from '../finding.ts'
import type { KeyHistory, Surge } from '../key-history.ts'

/** A key far above its own usual rate. */
export const unusualRate: Rule = {
  kind: 'unusual-rate',
  severity: 'medium',
  summary: 'A key makes far more requests than it usually does in that hour of the week.',
  explain: ({ rateRequests, rateFactor, surprise, historyWeeks, minHistoryDays }) =>
    `Normal for an hour is the median, over the ${historyWeeks} weeks before the period, of the same hour of the week (or its neighbour where that was busier). How much a key scatters around it is its dispersion a, fitted by the median absolute deviation. A rate is unusual with at least ${rateRequests} requests in the hour, ${rateFactor} times normal, and a chance of at most 1 in 10^${surprise} by the Chernoff bound of a negative binomial with mean m and variance m + a m^2: P(X >= x) <= exp(-(x ln(x/m) - (x + 1/a) ln((x + 1/a)/(m + 1/a)))) (Noufaily et al., Statistics in Medicine 32, 2013, use the same model). Requests answered 401, 403, 404 or 405 are left to other rules. A key needs ${minHistoryDays} days of history.`,
  async find(histories, context) {
    const { rateRequests, rateFactor, surprise, minHistoryDays } = context.thresholds
    const findings: Finding[] = []
    for (const history of histories) {
      if (history.isShared || history.days < minHistoryDays) continue
      const surges = history.findSurges('served', { atLeast: rateRequests, factor: rateFactor, surprise })
      for (const surge of surges) {
        const filter = { since: surge.from, until: surge.to }
        findings.push(
          toFinding(history, surge, rateFactor, await findEndpoints(context, history.key, filter)),
        )
      }
    }
    return findings
  },
}

function toFinding(
  { key }: KeyHistory,
  { from, to, count, peak }: Surge,
  factor: number,
  endpoints: string[],
): Finding {
  const times = peak.count / Math.max(peak.normal, 1)
  return {
    kind: 'unusual-rate',
    severity: peak.normal >= 1 ? escalate('medium', times, factor) : 'medium',
    key,
    endpoints,
    from,
    to,
    requestCount: count,
    seen: `${showRequests(count)}, ${showCount(peak.count)} in one hour`,
    normal: `${showCount(peak.normal)} in such an hour`,
    advice:
      'Ask the owner whether this is wanted. If not, the key may be stolen or a client may be in a loop: limit its rate, or replace it.',
  }
}
