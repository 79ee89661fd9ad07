import type { AlertCandidate } from '../model/alert.ts'
import { SEVERITIES } from '../model/severity.ts'
import type { Finding } from '../security/finding.ts'
import { DAY_MS } from '../time/units.ts'

/**
 * A security finding as an alert: it fires once per rule, key and UTC day of its last hour, and again when it becomes
 * more severe.
 */
export function alertOfFinding({
  kind: rule,
  severity,
  key,
  endpoints,
  from,
  to,
  requestCount,
  seen,
  normal,
  advice,
}: Finding): AlertCandidate {
  const day = Math.floor((to.getTime() - 1) / DAY_MS) * DAY_MS
  return {
    kind: 'finding',
    keyId: key?.id ?? null,
    owner: null,
    subject: rule,
    since: new Date(day),
    until: new Date(day + DAY_MS),
    threshold: null,
    level: BigInt(SEVERITIES.indexOf(severity)),
    setAt: null,
    severity,
    content: {
      rule,
      seen,
      normal,
      advice,
      endpoints,
      from: from.toISOString(),
      to: to.toISOString(),
      requestCount,
    },
  }
}
