import type { AlertDelivery } from '../model/alert.ts'
import { readAlerts } from '../store/alerts/read-alerts.ts'
import type { Database } from '../store/database/open-database.ts'
import { parseInstant } from '../time/period.ts'
import { describeSeen, titleOfAlert, toAlertRecord, whoOf } from './describe-alert.ts'
import type { AlertList, ListedDelivery } from './alert-list.ts'

/** Alerts at most: more is a matter for SQL. */
const LIMIT = 1000

/** Reads the alerts that fired since a time: `30d`, or a date. @throws WRONG_USAGE */
export async function readAlertList(db: Database, since: string, limit = LIMIT): Promise<AlertList> {
  const firedSince = parseInstant(since, 'UTC', new Date())
  const found = await readAlerts(db, { firedSince, limit: limit + 1 })
  return {
    since: firedSince,
    alerts: found.slice(0, limit).map((alert) =>
      Object.assign(toAlertRecord(alert), {
        title: titleOfAlert(alert),
        who: whoOf(alert),
        seen: describeSeen(alert),
        deliveries: alert.deliveries.map(toListed),
      }),
    ),
    notes: found.length > limit ? [`There are more: only the newest ${limit} are shown.`] : [],
  }
}

function toListed({
  webhook,
  state,
  attempts,
  nextAttemptAt,
  deliveredAt,
  lastError,
}: AlertDelivery): ListedDelivery {
  const next = state === 'pending' ? nextAttemptAt : null
  return { webhook, state, attempts, nextAttemptAt: next, deliveredAt, lastError }
}
