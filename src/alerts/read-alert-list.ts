import type { AlertDelivery } from '../model/alert.ts'
import { readAlerts } from '../store/alerts/read-alerts.ts'
import type { Database } from '../store/database/open-database.ts'
import { parseInstant } from '../time/period.ts'
import { titleOf, toAlertRecord, whoOf } from './describe-alert.ts'
import type { AlertRecord } from './describe-alert.ts'

/** Alerts at most: more is a matter for SQL. */
const LIMIT = 1000

/** An alert of a list. */
export type ListedAlert = AlertRecord & {
  /** What fired: `80% of tokens per month`, `refused-key`. */
  readonly title: string
  readonly who: string
  readonly deliveries: readonly Omit<AlertDelivery, 'alertId'>[]
}

/** Alerts that fired, newest first, and where they were delivered. */
export interface AlertList {
  readonly since: Date
  readonly alerts: readonly ListedAlert[]
  readonly notes: readonly string[]
}

/** Reads the alerts that fired since a time: `30d`, or a date. @throws WRONG_USAGE */
export async function readAlertList(db: Database, since: string, limit = LIMIT): Promise<AlertList> {
  const firedSince = parseInstant(since, 'UTC', new Date())
  const found = await readAlerts(db, { firedSince, limit: limit + 1 })
  return {
    since: firedSince,
    alerts: found.slice(0, limit).map((alert) => ({
      ...toAlertRecord(alert),
      title: titleOf(alert),
      who: whoOf(alert),
      deliveries: alert.deliveries.map(({ alertId: _, ...delivery }) => delivery),
    })),
    notes: found.length > limit ? [`There are more: only the newest ${limit} are shown.`] : [],
  }
}
