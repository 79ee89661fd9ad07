import type { QuotaSubject } from '../../model/quota.ts'
import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { LOOK_BACK_MS } from '../quotas/measure-quotas.ts'

/** Deletes the alerts about a key or an owner, with their deliveries, also those that wait. */
export async function deleteAlertsOf(tx: Statements, subject: QuotaSubject): Promise<void> {
  const [column, name] = 'owner' in subject ? ['owner', subject.owner] : ['api_key_id', subject.keyId]
  await tx.query(`delete from api_key_analytics_alerts where ${column} = $1`, [name])
}

/** Deletes the alerts about a key that fired in some time: that of an owner who is forgotten. */
export async function deleteAlertsDuring(
  tx: Statements,
  { dialect }: Pick<Database, 'dialect'>,
  keyId: string,
  { since, until }: { readonly since: number; readonly until: number },
): Promise<void> {
  const before = until < Infinity ? `and fired_at < ${dialect.timeOf(String(until))}` : ''
  await tx.query(
    `delete from api_key_analytics_alerts
where api_key_id = $1 and fired_at >= ${dialect.timeOf('$2')} ${before}`,
    [keyId, since],
  )
}

/** Whether there are alerts about an owner. */
export async function hasAlertsOf(tx: Statements, owner: string): Promise<boolean> {
  return (
    (await tx.query('select 1 from api_key_analytics_alerts where owner = $1 limit 1', [owner])).length > 0
  )
}

/** Moves the alerts about an owner to another name, so that no threshold fires again. @returns how many */
export async function renameAlertsOf(tx: Statements, owner: string, name: string): Promise<number> {
  const moved = await tx.query(
    'update api_key_analytics_alerts set owner = $2 where owner = $1 returning 1',
    [owner, name],
  )
  return moved.length
}

/**
 * Which alerts to prune: those of periods that ended by `before`, of all keys and owners or of one key. While checks
 * still look at a period its alerts must stay: they say that its thresholds fired.
 */
export interface AlertPrune {
  readonly before: Date
  readonly keyId?: string | undefined
  readonly now?: Date | undefined
}

/** Counts what `pruneAlerts` would delete. */
export async function countPrunableAlerts(db: Database, order: AlertPrune): Promise<number> {
  const { condition, params } = writePrunable(db, order)
  const [found] = await db.query<{ count: string | number }>(
    `select count(*) as count from api_key_analytics_alerts where ${condition}`,
    params,
  )
  return Number(found?.count)
}

/** Deletes alerts of periods that ended. */
export async function pruneAlerts(db: Database, order: AlertPrune): Promise<number> {
  const { condition, params } = writePrunable(db, order)
  const deleted = await runBoundedWrite(db, (tx) =>
    tx.query(`delete from api_key_analytics_alerts where ${condition} returning 1`, params),
  )
  return deleted.length
}

function writePrunable(
  { dialect }: Database,
  { before, keyId, now = new Date() }: AlertPrune,
): { condition: string; params: unknown[] } {
  const parameters = new SqlParameters()
  const until = Math.min(before.getTime(), now.getTime() - LOOK_BACK_MS)
  const conditions = [`until <= ${dialect.timeOf(parameters.add(until))}`]
  if (keyId !== undefined) conditions.push(`api_key_id = ${parameters.add(keyId)}`)
  return { condition: conditions.join(' and '), params: parameters.values }
}
