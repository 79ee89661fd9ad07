import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import type { DueDelivery } from './read-alerts.ts'

type Delivery = Pick<DueDelivery, 'alertId' | 'webhook' | 'attempts'>

/**
 * Takes a delivery for one attempt: until `until` no other process sends it. Noted before the attempt, so that a process
 * that dies during it has made one.
 * @returns false when another process took it first
 */
export async function claimDelivery(
  db: Database,
  { alertId, webhook, attempts }: Delivery,
  until: number,
): Promise<boolean> {
  const claimed = await write(
    db,
    `update api_key_analytics_alert_deliveries
set attempts = attempts + 1, next_attempt_at = ${db.dialect.timeOf('$4')}
where alert_id = $1 and webhook = $2 and attempts = $3 and state = 'pending'
returning 1`,
    [alertId, webhook, attempts, until],
  )
  return claimed.length > 0
}

/** Notes that a webhook accepted an alert. */
export async function noteDelivered(
  db: Database,
  { alertId, webhook }: Delivery,
  now: number,
): Promise<void> {
  await write(
    db,
    `update api_key_analytics_alert_deliveries
set state = 'delivered', delivered_at = ${db.dialect.timeOf('$3')}, last_error = null
where alert_id = $1 and webhook = $2`,
    [alertId, webhook, now],
  )
}

/** Notes a failed attempt: when the next one is, or that it was the last one. */
export async function noteFailed(
  db: Database,
  { alertId, webhook }: Delivery,
  { error, nextAttemptAt }: { readonly error: string; readonly nextAttemptAt: number | undefined },
): Promise<void> {
  const next = nextAttemptAt === undefined ? '' : `, next_attempt_at = ${db.dialect.timeOf('$4')}`
  await write(
    db,
    `update api_key_analytics_alert_deliveries
set state = ${nextAttemptAt === undefined ? "'given up'" : "'pending'"}, last_error = $3${next}
where alert_id = $1 and webhook = $2 and state = 'pending'`,
    [alertId, webhook, error, ...(nextAttemptAt === undefined ? [] : [nextAttemptAt])],
  )
}

/** Notes that a webhook wants no more: all that waits for it is kept, and is sent no more. */
export async function disableWebhook(db: Database, webhook: string, error: string): Promise<void> {
  await write(
    db,
    `update api_key_analytics_alert_deliveries
set state = 'disabled', last_error = $2
where webhook = $1 and state = 'pending'`,
    [webhook, error],
  )
}

/**
 * Sends again what a webhook did not get: after a 410, and what was given up.
 * @returns how many deliveries wait again
 */
export async function retryWebhook(db: Database, webhook: string, now: number): Promise<number> {
  const again = await write(
    db,
    `update api_key_analytics_alert_deliveries
set state = 'pending', attempts = 0, next_attempt_at = ${db.dialect.timeOf('$2')}
where webhook = $1 and state in ('disabled', 'given up')
returning 1`,
    [webhook, now],
  )
  return again.length
}

/** How many deliveries to a webhook wait, and when the next attempt is. */
export async function countDeliveries(
  db: Pick<Database, 'dialect' | 'query'>,
  webhook: string,
): Promise<{ pending: number; disabled: number; nextAttemptAt: number | undefined }> {
  const rows = await db.query<{ state: string; count: string | number; next: string | number }>(
    `select state, count(*) as count, ${db.dialect.millisecondsOf('min(next_attempt_at)')} as next
from api_key_analytics_alert_deliveries
where webhook = $1 and state in ('pending', 'disabled')
group by state`,
    [webhook],
  )
  const byState = new Map(rows.map((row) => [row.state, row]))
  const pending = byState.get('pending')
  return {
    pending: Number(pending?.count ?? 0),
    disabled: Number(byState.get('disabled')?.count ?? 0),
    nextAttemptAt: pending && Number(pending.next),
  }
}

/** The webhooks, besides some, for which deliveries wait. */
export async function countWaitingElsewhere(
  db: Statements,
  webhooks: readonly string[],
): Promise<{ webhook: string; pending: number }[]> {
  const rows = await db.query<{ webhook: string; pending: string | number }>(
    `select webhook, count(*) as pending
from api_key_analytics_alert_deliveries
where state = 'pending'
group by webhook
order by webhook`,
  )
  return rows
    .filter(({ webhook }) => !webhooks.includes(webhook))
    .map(({ webhook, pending }) => ({ webhook, pending: Number(pending) }))
}

/** One statement that writes. */
function write(db: Database, sql: string, params: readonly unknown[]): Promise<unknown[]> {
  return runBoundedWrite(db, (tx) => tx.query(sql, params))
}
