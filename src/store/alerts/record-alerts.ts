import { createHash } from 'node:crypto'
import { chunksOf } from '../../model/chunks-of.ts'
import type { AlertCandidate } from '../../model/alert.ts'
import { formatUuid } from '../../model/uuid.ts'
import { readDatabaseId } from '../database/read-database-id.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { nameOfCandidate } from './find-fired.ts'

/** Alerts per transaction. */
const CHUNK_ALERTS = 500

const ALERT_COLUMNS = {
  id: 'uuid',
  kind: 'text',
  key_id: 'uuid',
  owner: 'text',
  subject: 'text',
  since: 'bigint',
  until: 'bigint',
  threshold: 'int',
  level: 'bigint',
  severity: 'text',
  content: 'text',
}

const INSERT_ALERTS = (dialect: Dialect, given: string) => `
insert into api_key_analytics_alerts
  (id, kind, api_key_id, owner, subject, since, until, threshold, level, severity, fired_at, content)
select id, kind, key_id, owner, subject, ${dialect.timeOf('since')}, ${dialect.timeOf('until')}, threshold, cast(level as bigint),
  severity, ${dialect.timeOf('$1')}, content
from ${given}
where true
order by n
on conflict (id) do nothing
returning id`

const INSERT_DELIVERIES = (dialect: Dialect, given: string) => `
insert into api_key_analytics_alert_deliveries (alert_id, webhook, state, attempts, next_attempt_at)
select id, webhook, state, 0, ${dialect.timeOf('$1')}
from ${given}
where true
order by n`

const DISABLED = `
select distinct webhook
from api_key_analytics_alert_deliveries
where state = 'disabled'`

/** A candidate with the id that its alert has when it fires. */
export type IdentifiedAlert = AlertCandidate & { readonly id: string }

/**
 * Computes the id of each alert from what fires: a database that was restored to a state before the alert fires it with
 * the same id again, and a receiver sees that it has it. The database's own id makes those of a copy differ, and the
 * moment when the quota was set those of another owner who has the name now.
 */
export async function identifyAlerts(
  db: Database,
  candidates: readonly AlertCandidate[],
): Promise<IdentifiedAlert[]> {
  if (candidates.length === 0) return []
  const databaseId = await readDatabaseId(db)
  return candidates.map((candidate) => {
    const { level, setAt } = candidate
    const text = JSON.stringify([databaseId, nameOfCandidate(candidate), String(level), setAt])
    return { ...candidate, id: formatUuid(createHash('sha256').update(text).digest('hex')) }
  })
}

/**
 * Records that alerts fired, each together with its deliveries: never one without the other. An alert that another
 * process recorded in the meantime is left to that process.
 * @returns the ids of those that fired now
 */
export async function recordAlerts(
  db: Database,
  alerts: readonly IdentifiedAlert[],
  webhooks: readonly string[],
  now: number,
): Promise<Set<string>> {
  // in one order, so that two processes cannot lock each other out
  const sorted = alerts.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const fired = new Set<string>()
  for (const some of chunksOf(sorted, CHUNK_ALERTS)) {
    const ids = await runBoundedWrite(db, (tx) => recordSome(tx, db.dialect, some, webhooks, now))
    for (const id of ids) fired.add(id)
  }
  return fired
}

async function recordSome(
  tx: Statements,
  dialect: Dialect,
  alerts: readonly IdentifiedAlert[],
  webhooks: readonly string[],
  now: number,
): Promise<string[]> {
  const rows = alerts.map((alert) => [
    alert.id,
    alert.kind,
    alert.keyId,
    alert.owner,
    alert.subject,
    alert.since.getTime(),
    alert.until.getTime(),
    alert.threshold,
    String(alert.level),
    alert.severity,
    JSON.stringify(alert.content),
  ])
  const given = dialect.givenRows(ALERT_COLUMNS, rows, 2)
  const inserted = await tx.query<{ id: string }>(INSERT_ALERTS(dialect, given.sql), [now, ...given.params])
  const ids = inserted.map(({ id }) => id)
  if (ids.length > 0 && webhooks.length > 0) {
    const disabled = new Set((await tx.query<{ webhook: string }>(DISABLED)).map(({ webhook }) => webhook))
    const deliveries = ids.flatMap((id) =>
      webhooks.map((webhook) => [id, webhook, disabled.has(webhook) ? 'disabled' : 'pending']),
    )
    const outbox = dialect.givenRows({ id: 'uuid', webhook: 'text', state: 'text' }, deliveries, 2)
    await tx.query(INSERT_DELIVERIES(dialect, outbox.sql), [now, ...outbox.params])
  }
  return ids
}
