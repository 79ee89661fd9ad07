import type { AlertCandidate } from '../model/alert.ts'
import type { MeasuredQuota } from '../model/quota.ts'

/** The thresholds of a quota that its use has reached, in percent of the limit. */
export function alertsOfQuota(quota: MeasuredQuota, thresholds: readonly number[]): AlertCandidate[] {
  const { keyId, owner, unit, per, timeZone, limit, setAt, used, since, until } = quota
  const reached = thresholds.filter((percent) => used > 0n && used * 100n >= limit * BigInt(percent))
  return reached.map((threshold) => ({
    kind: 'quota',
    keyId,
    owner,
    subject: `${unit} per ${per}`,
    since,
    until,
    threshold,
    level: limit,
    setAt,
    severity: threshold < 100 ? 'medium' : 'high',
    content: { unit, per, timeZone, limit: String(limit), used: String(used) },
  }))
}
