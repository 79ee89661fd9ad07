import { escalate, findEndpoints, showCount } from '../finding.ts'
import type { Finding, Rule } from '../finding.ts'
import type { KeyHistory, Surge, UsedUnit } from '../key-history.ts'

/** A key that uses far more of a unit than it usually does. */
export const unusualQuantity: Rule = {
  kind: 'unusual-quantity',
  severity: 'medium',
  summary: 'A key uses far more of a unit, such as tokens, than it usually does in that hour of the week.',
  explain: ({ rateRequests, rateFactor, surprise, minHistoryDays }) =>
    `A quantity is judged as a rate is (--explain unusual-rate), with the same thresholds. It is measured in usual requests: the quantity divided by what one request of the key used of the unit in the weeks before, on average. So it is unusual with as much as ${rateRequests} usual requests in the hour, ${rateFactor} times normal, and a chance of at most 1 in 10^${surprise}. Requests of every status count. A key needs ${minHistoryDays} days of history, and so does the unit in the database.`,
  async find(histories, context) {
    const { rateRequests, rateFactor, surprise, minHistoryDays } = context.thresholds
    const findings: Finding[] = []
    for (const { key, isShared, units } of histories) {
      for (const ofUnit of isShared ? [] : units) {
        const { unit, usual } = ofUnit
        if (usual.days < minHistoryDays) continue
        const surges = usual.findSurges('served', { atLeast: rateRequests, factor: rateFactor, surprise })
        for (const surge of surges) {
          const filter = { since: surge.from, until: surge.to, unit }
          const endpoints = await findEndpoints(context, key, filter)
          findings.push(toFinding(key, ofUnit, surge, rateFactor, endpoints))
        }
      }
    }
    return findings
  },
}

function toFinding(
  key: KeyHistory['key'],
  history: UsedUnit,
  { from, to, hours, peak }: Surge,
  factor: number,
  endpoints: string[],
): Finding {
  const { unit, perRequest } = history
  const { quantity, requestCount } = history.sum(hours)
  const times = peak.count / Math.max(peak.normal, 1)
  return {
    kind: 'unusual-quantity',
    severity: peak.normal >= 1 ? escalate('medium', times, factor) : 'medium',
    key,
    unit,
    quantity,
    endpoints,
    from,
    to,
    requestCount,
    seen: `${showCount(quantity)} ${unit}, ${showCount(peak.count * perRequest)} in one hour`,
    normal: `${showCount(peak.normal * perRequest)} ${unit} in such an hour`,
    advice:
      'Ask the owner whether this is wanted. If not, the key may be stolen or a client may be in a loop: limit what it may use, or replace it.',
  }
}
