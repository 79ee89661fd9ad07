import { escalate, findEndpoints, showCount, showRequests } from '../finding.ts'
import type { Finding, Rule, RuleContext } from '../finding.ts'
import type { KeyHistory } from '../key-history.ts'
import { DAY_MS } from '../../time/units.ts'

/** A key that was not used for a long time, and now is. */
export const dormantKey: Rule = {
  kind: 'dormant-key',
  severity: 'medium',
  summary: 'A key that was not used for a long time is used again.',
  explain: ({ dormantDays, dormantRequests }) =>
    `Reported when a key makes at least ${dormantRequests} requests in the period after ${dormantDays} days without any. It needs the row of the last use before that: after a prune the rule cannot know whether there was one.`,
  async find(histories, context) {
    const asleep = histories.filter((history) => isAsleep(history, context))
    if (asleep.length === 0) return []
    const before = await context.source.findUsage({
      keyIds: asleep.map(({ key }) => key.id),
      until: context.since,
      by: ['key'],
    })
    const findings: Finding[] = []
    for (const { key, lastBucket } of before) {
      const history = asleep.find((one) => one.key.id === key!.id)!
      const first = history.period().find((hour) => history.all(hour) > 0)!
      const days = (history.timeOf(first).getTime() - lastBucket.getTime()) / DAY_MS
      if (days >= context.thresholds.dormantDays) {
        findings.push(await toFinding(history, { first, days, lastBucket }, context))
      }
    }
    return findings
  },
}

function isAsleep(history: KeyHistory, { thresholds }: RuleContext): boolean {
  const { key, isShared, periodStart } = history
  if (isShared || history.sumAll(history.period()) < thresholds.dormantRequests) return false
  const from = Math.max(0, periodStart - thresholds.dormantDays * 24)
  const hours = Array.from({ length: periodStart - from }, (_, offset) => from + offset)
  return key.firstSeenAt < history.timeOf(periodStart) && history.sumAll(hours) === 0
}

async function toFinding(
  history: KeyHistory,
  { first, days, lastBucket }: { first: number; days: number; lastBucket: Date },
  context: RuleContext,
): Promise<Finding> {
  const { since, until, thresholds } = context
  const used = history.period().filter((hour) => history.all(hour) > 0)
  const requestCount = history.sumAll(used)
  return {
    kind: 'dormant-key',
    severity: escalate('medium', requestCount, thresholds.dormantRequests * 10),
    key: history.key,
    endpoints: await findEndpoints(context, history.key, { since, until }),
    from: history.timeOf(first),
    to: history.timeOf(used.at(-1)! + 1),
    requestCount,
    seen: `${showRequests(requestCount)} after ${showCount(days)} days of silence`,
    normal: `no request since ${lastBucket.toISOString().slice(0, 10)}`,
    advice:
      'Ask the owner. A forgotten key that is used again was often leaked: revoke keys that are not needed.',
  }
}
