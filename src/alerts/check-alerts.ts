import type { AlertCandidate, Alert } from '../model/alert.ts'
import { AnalyticsError } from '../model/errors.ts'
import { isAtLeast, SEVERITIES } from '../model/severity.ts'
import type { Severity } from '../model/severity.ts'
import { faultPoint } from '../model/fault-point.ts'
import { usageSourceOf } from '../report/usage/usage-source.ts'
import { findFindings } from '../security/find-findings.ts'
import type { SecurityOptions } from '../security/find-findings.ts'
import { findNew } from '../store/alerts/find-fired.ts'
import { nameKeys } from '../store/alerts/read-alerts.ts'
import { identifyAlerts, recordAlerts } from '../store/alerts/record-alerts.ts'
import type { Database } from '../store/database/open-database.ts'
import { LOOK_BACK_MS, measureQuotas } from '../store/quotas/measure-quotas.ts'
import { alertOfFinding } from './alert-of-finding.ts'
import { alertsOfQuota } from './alerts-of-quota.ts'
import { deliverAlerts } from './deliver-alerts.ts'
import type { DeliveryOptions, WebhookSummary } from './deliver-alerts.ts'
import type { Webhook } from './webhook.ts'

/** Percent of a limit at which an alert fires, unless others are given. */
export const DEFAULT_QUOTA_THRESHOLDS = [80, 100]

/** What to check. */
export interface AlertCheckOptions {
  /** Percent of the limits of quotas. */
  readonly thresholds?: readonly number[]
  /** Undefined: no look at security. `until` is now. */
  readonly security?: Omit<SecurityOptions, 'until'> | undefined
  /** False: no look at quotas. */
  readonly quotas?: boolean
  /** Alerts that are less severe do not fire. */
  readonly minSeverity?: Severity | undefined
  readonly webhooks?: readonly Webhook[]
  /** Fires and sends nothing, and returns what would fire. */
  readonly dryRun?: boolean
  readonly delivery?: DeliveryOptions
}

/** What a check did. */
export interface AlertCheck {
  readonly checkedAt: Date
  /** Alerts that fired now, the most severe first. */
  readonly fired: readonly Alert[]
  readonly webhooks: readonly WebhookSummary[]
}

/**
 * Fires what is new: thresholds of quotas and security findings, each once in its period. Then sends what waits, also
 * of earlier checks. An alert is recorded together with its deliveries before anything is sent, so a process that dies
 * at any moment loses none, and the receiver sees one id however often it is sent.
 */
export async function checkAlerts(db: Database, options: AlertCheckOptions = {}): Promise<AlertCheck> {
  const { minSeverity, webhooks = [], dryRun = false, delivery = {} } = options
  const now = (delivery.now ?? Date.now)()
  const candidates = (await findCandidates(db, options, now)).filter(({ severity }) =>
    isAtLeast(severity, minSeverity),
  )
  const found = await identifyAlerts(db, await findNew(db, candidates))
  const names = webhooks.map(({ name }) => name)
  const ids = dryRun ? undefined : await recordAlerts(db, found, names, now)
  faultPoint('alerts recorded')
  const checkedAt = new Date(now)
  const fired = found
    .filter(({ id }) => ids?.has(id) ?? true)
    .map((alert) => Object.assign(alert, { firedAt: checkedAt }))
    .sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity))
  return {
    checkedAt,
    fired: await nameKeys(db, fired),
    webhooks: dryRun ? [] : await deliverAlerts(db, webhooks, delivery),
  }
}

async function findCandidates(
  db: Database,
  { thresholds = DEFAULT_QUOTA_THRESHOLDS, security, quotas = true }: AlertCheckOptions,
  now: number,
): Promise<AlertCandidate[]> {
  const wrong = thresholds.find((percent) => !Number.isInteger(percent) || percent < 1 || percent > 1000)
  if (wrong !== undefined) {
    throw new AnalyticsError(
      'ARGUMENT_INVALID',
      `The threshold ${wrong} is no whole number of percent from 1 to 1000.`,
    )
  }
  const measured = quotas ? (await measureQuotas(db, undefined, now, LOOK_BACK_MS)).quotas : []
  const { findings } = security
    ? await findFindings(usageSourceOf(db), { ...security, until: new Date(now) })
    : { findings: [] }
  return [...measured.flatMap((quota) => alertsOfQuota(quota, thresholds)), ...findings.map(alertOfFinding)]
}
