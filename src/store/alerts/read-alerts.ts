import type { Alert, AlertDelivery, AlertKind, DeliveryState } from '../../model/alert.ts'
import type { Severity } from '../../model/severity.ts'
import { readKeyNames } from '../keys/read-key-names.ts'
import type { Dialect } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { SqlParameters } from '../database/sql-parameters.ts'

/** Which alerts to read, newest first. */
export interface AlertQuery {
  readonly firedSince?: Date | undefined
  readonly limit?: number | undefined
}

const ALERT_COLUMNS = (dialect: Dialect) => `a.id, a.kind, a.api_key_id as "keyId", a.owner, a.subject,
  ${dialect.millisecondsOf('a.since')} as since, ${dialect.millisecondsOf('a.until')} as until, a.threshold, a.severity,
  ${dialect.millisecondsOf('a.fired_at')} as "firedAt", a.content`

const DELIVERY_COLUMNS = (dialect: Dialect) => `d.alert_id as "alertId", d.webhook, d.state, d.attempts,
  ${dialect.millisecondsOf('d.next_attempt_at')} as "nextAttemptAt", ${dialect.millisecondsOf('d.delivered_at')} as "deliveredAt",
  d.last_error as "lastError"`

/** Alerts with their deliveries, newest first. */
export async function readAlerts(
  db: Database,
  { firedSince, limit = 1000 }: AlertQuery,
): Promise<(Alert & { readonly deliveries: readonly AlertDelivery[] })[]> {
  const parameters = new SqlParameters()
  const condition = firedSince
    ? `a.fired_at >= ${db.dialect.timeOf(parameters.add(firedSince.getTime()))}`
    : 'true'
  const chosen = `
from api_key_analytics_alerts a
where ${condition}
order by a.fired_at desc, a.id
limit ${limit}`
  const rows = await db.query<AlertRow>(`select ${ALERT_COLUMNS(db.dialect)} ${chosen}`, parameters.values)
  const alerts = await nameKeys(db, rows.map(toUnnamed))
  const deliveries = Map.groupBy(await readDeliveries(db, alerts), ({ alertId }) => alertId)
  return alerts.map((alert) => Object.assign(alert, { deliveries: deliveries.get(alert.id) ?? [] }))
}

/** A delivery that is due, with its alert. */
export type DueDelivery = Pick<AlertDelivery, 'alertId' | 'webhook' | 'attempts'> & { readonly alert: Alert }

/**
 * Deliveries to a webhook that are due, oldest alert first. One whose next attempt lies further ahead than any wait
 * was noted by a clock that was wrong, so it is due too.
 */
export async function readDue(
  db: Database,
  webhook: string,
  {
    now,
    longestWaitMs,
    limit,
  }: { readonly now: number; readonly longestWaitMs: number; readonly limit: number },
): Promise<DueDelivery[]> {
  const rows = await db.query<AlertRow & { attempts: number }>(
    `select ${ALERT_COLUMNS(db.dialect)}, d.attempts
from api_key_analytics_alert_deliveries d
join api_key_analytics_alerts a on a.id = d.alert_id
where d.state = 'pending' and d.webhook = $1
  and (d.next_attempt_at <= ${db.dialect.timeOf('$2')} or d.next_attempt_at > ${db.dialect.timeOf('$3')})
order by a.fired_at, a.id
limit ${limit}`,
    [webhook, now, now + longestWaitMs],
  )
  const alerts = await nameKeys(db, rows.map(toUnnamed))
  return alerts.map((alert, index) => ({
    alertId: alert.id,
    webhook,
    attempts: rows[index]!.attempts,
    alert,
  }))
}

async function readDeliveries(db: Database, alerts: readonly Alert[]): Promise<AlertDelivery[]> {
  if (alerts.length === 0) return []
  const given = db.dialect.givenRows(
    { id: 'uuid' },
    alerts.map(({ id }) => [id]),
    1,
  )
  const rows = await db.query<DeliveryRow>(
    `select ${DELIVERY_COLUMNS(db.dialect)}
from api_key_analytics_alert_deliveries d
where d.alert_id in (select id from ${given.sql})
order by d.webhook`,
    given.params,
  )
  return rows.map((row) =>
    Object.assign(row, {
      attempts: Number(row.attempts),
      nextAttemptAt: new Date(Number(row.nextAttemptAt)),
      deliveredAt: row.deliveredAt === null ? null : new Date(Number(row.deliveredAt)),
    }),
  )
}

/** An alert with the id of its key only. */
type Unnamed = Omit<Alert, 'key'> & { readonly keyId: string | null }

/** Adds the names of the keys as they are now: alerts hold no name of a key, so a forgotten key leaves none here. */
export async function nameKeys(db: Database, alerts: readonly Unnamed[]): Promise<Alert[]> {
  const ids = [...new Set(alerts.flatMap(({ keyId }) => keyId ?? []))]
  const names = await readKeyNames(db, ids)
  return alerts.map(({ keyId, ...alert }) => {
    const key = keyId === null ? null : { id: keyId, ...(names.get(keyId) ?? FORGOTTEN) }
    return { ...alert, key } as Alert
  })
}

const FORGOTTEN = { label: '(forgotten)', name: null, owner: null }

function toUnnamed({ content, since, until, firedAt, threshold, ...row }: AlertRow): Unnamed {
  return {
    ...row,
    threshold: threshold === null ? null : Number(threshold),
    since: new Date(Number(since)),
    until: new Date(Number(until)),
    firedAt: new Date(Number(firedAt)),
    content: JSON.parse(content) as Alert['content'],
  }
}

interface AlertRow {
  readonly id: string
  readonly kind: AlertKind
  readonly keyId: string | null
  readonly owner: string | null
  readonly subject: string
  readonly since: string | number
  readonly until: string | number
  readonly threshold: string | number | null
  readonly severity: Severity
  readonly firedAt: string | number
  readonly content: string
}

interface DeliveryRow {
  readonly alertId: string
  readonly webhook: string
  readonly state: DeliveryState
  readonly attempts: string | number
  readonly nextAttemptAt: string | number
  readonly deliveredAt: string | number | null
  readonly lastError: string | null
}
