import type { Alert } from '../model/alert.ts'
import { formatCount } from '../terminal/format-number.ts'
import { nameOfKey } from '../report/usage/group-names.ts'
import { formatInstant } from '../time/calendar.ts'

/** An alert for programs: in `--json`, in the API and in the message to a webhook. */
export interface AlertRecord {
  readonly id: string
  readonly kind: Alert['kind']
  readonly severity: Alert['severity']
  /** Null for an alert about an owner, or about many keys. */
  readonly key: Alert['key']
  readonly owner: string | null
  /** The period in which it fires once, until exclusive. */
  readonly since: Date
  readonly until: Date
  readonly firedAt: Date
  /** One sentence for people. */
  readonly text: string
  /** Of a quota: `threshold` in percent, `unit`, `per`, `timeZone`, `limit` and `used`. */
  readonly quota: (Extract<Alert, { kind: 'quota' }>['content'] & { readonly threshold: number }) | null
  /** Of a security finding, with the names of `security --json`. */
  readonly finding: Extract<Alert, { kind: 'finding' }>['content'] | null
}

/** An alert with its sentence. */
export function toAlertRecord(alert: Alert): AlertRecord {
  const { id, kind, severity, key, owner, since, until, firedAt } = alert
  return {
    id,
    kind,
    severity,
    key,
    owner: owner ?? key?.owner ?? null,
    since,
    until,
    firedAt,
    text: describeAlert(alert),
    quota: alert.kind === 'quota' ? { threshold: alert.threshold!, ...alert.content } : null,
    finding: alert.kind === 'finding' ? alert.content : null,
  }
}

/** Who an alert is about. */
export function whoOf({ key, owner }: Pick<Alert, 'key' | 'owner'>): string {
  return key ? nameOfKey(key) : (owner ?? 'many keys')
}

/** What fired: `80% of tokens per month`, `refused-key`. */
export function titleOfAlert(alert: Pick<Alert, 'subject' | 'threshold'>): string {
  return alert.threshold === null ? alert.subject : `${alert.threshold}% of ${alert.subject}`
}

function describeAlert(alert: Alert): string {
  const rule = alert.kind === 'finding' ? ` (${alert.subject})` : ''
  return `${whoOf(alert)}: ${describeSeen(alert)}${rule}`
}

/** What was seen, without who. */
export function describeSeen(alert: Alert): string {
  if (alert.kind === 'finding') return alert.content.seen
  const { used, limit, unit, per, timeZone } = alert.content
  const period = formatInstant(alert.since, timeZone, per === 'month' ? 'month' : 'day')
  const when = per === 'week' ? `the week from ${period}` : period
  return `${formatCount(BigInt(used))} of ${formatCount(BigInt(limit))} ${unit} used in ${when} (${alert.threshold}% reached)`
}
