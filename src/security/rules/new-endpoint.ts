import { escalate, showCount, showRequests } from '../finding.ts'
import type { Finding, Rule, RuleContext } from '../finding.ts'
import type { KeyHistory } from '../key-history.ts'
import { OTHER_ENDPOINT, UNMATCHED_ENDPOINT } from '../../model/operation.ts'
import type { UsageRow } from '../../model/usage-row.ts'

/** Rows read per chunk of keys: there may be many raw paths, and the rarest matter least here. */
const MOST_ROWS = 100_000

/** Of the requests that make a finding: with fewer, a key counts as part of a release. */
const RELEASE_SHARE = 0.1

/** An old key that begins to use an endpoint. */
export const newEndpoint: Rule = {
  kind: 'new-endpoint',
  severity: 'low',
  summary: 'An old key calls an endpoint for the first time.',
  explain: ({ newEndpointRequests, newEndpointKeys, historyWeeks, minHistoryDays }) =>
    `Checks keys that have ${minHistoryDays} days of history, and at the endpoints to which such a key made at least ${newEndpointRequests} requests in the period and none in the ${historyWeeks} weeks before. An endpoint that more than ${newEndpointKeys} keys recently began to use is a release of your API and is not reported. Requests answered with 400 or more do not count: other rules check them.`,
  async find(histories, context) {
    const old = histories.filter((history) => isOld(history, context))
    if (old.length === 0) return []
    const rows = await context.source.findUsage({
      keyIds: old.map(({ key }) => key.id),
      since: context.historySince,
      until: context.until,
      status: ['2xx', '3xx'],
      by: ['key', 'method', 'endpoint'],
      limit: MOST_ROWS,
    })
    return rows.filter((row) => isFirstUse(row, context)).map((row) => toFinding(row, old, context))
  },
  /** Removes releases, then what began before the period. Keeps one finding per key. */
  review(findings, { since, thresholds }) {
    const users = Map.groupBy(findings, ({ endpoints }) => endpoints[0])
    const kept = findings.filter(
      ({ endpoints, from, requestCount }) =>
        from >= since &&
        requestCount >= thresholds.newEndpointRequests &&
        (users.get(endpoints[0])?.length ?? 0) <= thresholds.newEndpointKeys,
    )
    return [...Map.groupBy(kept, ({ key }) => key?.id).values()].map(mergeFirstUses)
  },
}

/** A key without any use in the history is left to dormant-key. */
function isOld(history: KeyHistory, { thresholds }: RuleContext): boolean {
  const { isShared, days, periodStart } = history
  return (
    !isShared &&
    days >= thresholds.minHistoryDays &&
    history.counts.served.findIndex((count) => count > 0) < periodStart
  )
}

/** Whether a key did not use an endpoint in the first part of the history. Releases take days to reach all keys. */
function isFirstUse(row: UsageRow, { historySince, thresholds }: RuleContext): boolean {
  const { endpoint, requestCount, firstBucket } = row
  const named = endpoint !== OTHER_ENDPOINT && endpoint !== UNMATCHED_ENDPOINT
  const began = firstBucket.getTime() >= historySince.getTime() + thresholds.minHistoryDays * 86_400_000
  return named && began && requestCount >= thresholds.newEndpointRequests * RELEASE_SHARE
}

function toFinding(row: UsageRow, histories: readonly KeyHistory[], { thresholds }: RuleContext): Finding {
  const { key, method, endpoint, requestCount, firstBucket, lastBucket } = row
  const days = histories.find((history) => history.key.id === key!.id)!.days
  return {
    kind: 'new-endpoint',
    severity: escalate('low', requestCount, thresholds.newEndpointRequests),
    key: key!,
    endpoints: [`${method} ${endpoint}`],
    from: firstBucket,
    to: new Date(lastBucket.getTime() + 3_600_000),
    requestCount,
    seen: `${showRequests(requestCount)} to an endpoint that it never used`,
    normal: `no request to it in ${showCount(days)} days`,
    advice: 'Ask the owner whether this is wanted; check whether the key should be allowed to do this.',
  }
}

function mergeFirstUses(findings: readonly Finding[]): Finding {
  const [most] = findings.toSorted((a, b) => b.requestCount - a.requestCount)
  if (findings.length === 1) return most!
  const requestCount = findings.reduce((sum, finding) => sum + finding.requestCount, 0)
  return {
    ...most!,
    endpoints: [...new Set(findings.flatMap(({ endpoints }) => endpoints))].slice(0, 5),
    from: new Date(Math.min(...findings.map(({ from }) => from.getTime()))),
    to: new Date(Math.max(...findings.map(({ to }) => to.getTime()))),
    requestCount,
    seen: `${showRequests(requestCount)} to ${findings.length} endpoints that it never used`,
    normal: most!.normal.replace('to it', 'to them'),
  }
}
