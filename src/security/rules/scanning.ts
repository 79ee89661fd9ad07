import { UNMATCHED_ENDPOINT } from '../../model/operation.ts'
import { escalate, findEndpoints, showCount, showRequests } from '../finding.ts'
import type { Finding, Rule, RuleContext } from '../finding.ts'
import type { KeyHistory, Surge } from '../key-history.ts'

/** How many times the usual number of requests to unknown endpoints. */
const FACTOR = 5

/** Requests that look for endpoints that do not exist. */
export const scanning: Rule = {
  kind: 'scanning',
  severity: 'high',
  summary: 'Many requests for endpoints that do not exist: a client looks for vulnerabilities.',
  explain: ({ scanRequests, scanEndpoints, surprise }) =>
    `Checks every hour with at least ${scanRequests} requests of a key (or of unknown keys together) answered 404 or 405, at least ${FACTOR} times what is normal for that hour of the week, with a chance of at most 1 in 10^${surprise}. It is scanning when ${scanRequests} of them matched no route at all, or when they spread over ${scanEndpoints} endpoints; one endpoint whose items were deleted is not.`,
  async find(histories, context) {
    const { scanRequests, surprise } = context.thresholds
    const findings: Finding[] = []
    for (const history of histories) {
      const surges = history.findSurges('notFound', { atLeast: scanRequests, factor: FACTOR, surprise })
      for (const surge of surges) {
        if (!(await isWide(history, surge, context))) continue
        const filter = { since: surge.from, until: surge.to, status: [404, 405] }
        findings.push(
          toFinding(history, surge, scanRequests, await findEndpoints(context, history.key, filter)),
        )
      }
    }
    return findings
  },
}

async function isWide({ key }: KeyHistory, { from, to }: Surge, context: RuleContext): Promise<boolean> {
  const { scanRequests, scanEndpoints } = context.thresholds
  const query = { keyIds: [key.id], since: from, until: to, status: [404, 405] }
  const [unmatched] = await context.source.findUsage({ ...query, endpoint: UNMATCHED_ENDPOINT })
  if ((unmatched?.requestCount ?? 0) >= scanRequests) return true
  const endpoints = await context.source.findUsage({ ...query, by: ['endpoint'], limit: scanEndpoints })
  return endpoints.length >= scanEndpoints
}

function toFinding(
  { key, isShared }: KeyHistory,
  { from, to, count, peak }: Surge,
  threshold: number,
  endpoints: string[],
): Finding {
  const advice = isShared
    ? 'Find the addresses in the log of your proxy and block them; check that nothing they requested exists.'
    : 'Ask the owner. If the owner did not do it, the key is stolen: replace it and check what else it called.'
  return {
    kind: 'scanning',
    severity: escalate('high', peak.count, threshold),
    key,
    endpoints,
    from,
    to,
    requestCount: count,
    seen: `${showRequests(count)} for what does not exist, ${showCount(peak.count)} in one hour`,
    normal: `${showCount(peak.normal)} in such an hour`,
    advice,
  }
}
