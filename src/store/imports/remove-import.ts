import { faultPoint } from '../../buffer/fault-point.ts'
import type { Database } from '../database/open-database.ts'
import type { Statements } from '../database/dialect.ts'
import { lockQuantities, lockRows } from '../remove/lock-rows.ts'
import { removeTracesWithoutKeys } from '../remove/remove-traces.ts'
import { USAGE_TABLES } from '../database/usage-tables.ts'
import { lockImports } from './find-imports.ts'

/** What was removed. */
export interface RemovedImport {
  readonly rows: number
  readonly requests: number
  /** Keys that only this import brought, and that nobody uses for anything else. */
  readonly keys: number
}

/** The keys that an import brought, in the order in which flushes lock keys. */
const BROUGHT = `
select id
from api_key_analytics_keys
where import_id = $1
order by id`

/** Their owners, present and former, of whom anything else is stored. */
const OWNERS = `
select owner
from (
  select owner from api_key_analytics_keys where import_id = $1
  union
  select o.owner
  from api_key_analytics_owners o
  join api_key_analytics_keys k on k.id = o.api_key_id
  where k.import_id = $1
) owners
where owner in (select subject from api_key_analytics_quotas where subject_kind = 'owner')
  or owner in (select owner from api_key_analytics_alerts)`

/** Of those: what has rows of others, a name or an owner that a person set, or a quota, stays. */
const IS_USED = `
(${USAGE_TABLES.map((table) => `exists (select 1 from ${table} t where t.api_key_id = k.id)`).join('\n    or ')}
  or k.name_set_by = 'person' or k.owner_set_by = 'person'
  or exists (select 1 from api_key_analytics_quotas q where q.subject_kind = 'key' and q.subject = cast(k.id as text)))`

/** The next import that has the key, or 0: then it is an ordinary key. */
const NEXT_IMPORT = `coalesce((
    select min(import_id)
    from (
      ${USAGE_TABLES.map((table) => `select t.import_id from ${table} t where t.api_key_id = k.id`).join('\n      union all\n      ')}
    ) others
  ), 0)`

/**
 * Removes an import as a whole, in one transaction: its rows, its entry, and the keys that only it brought.
 * @returns undefined when there is no import with this number
 */
export async function removeImport(db: Database, importId: number): Promise<RemovedImport | undefined> {
  return db.transaction(async (tx) => {
    await lockImports(tx, db.dialect)
    const [found] = await tx.query('select 1 from api_key_analytics_imports where id = $1', [importId])
    if (!found) return undefined
    const removed = await deleteRows(tx, db, importId)
    faultPoint('import rows removed')
    const keys = await deleteKeys(tx, db, importId)
    faultPoint('import keys removed')
    await tx.query('delete from api_key_analytics_import_quantities where import_id = $1', [importId])
    await tx.query('delete from api_key_analytics_imports where id = $1', [importId])
    return { ...removed, keys }
  })
}

/** In the order of the flushes and removals, so that none of them can deadlock with this. */
async function deleteRows(
  tx: Statements,
  db: Database,
  importId: number,
): Promise<{ rows: number; requests: number }> {
  const condition = 't.import_id = $1'
  await lockRows(tx, db, condition, [importId])
  const [sum] = await tx.query<{ rows: string | number; requests: string | number }>(
    `select count(*) as rows, coalesce(sum(t.request_count), 0) as requests from api_key_analytics t where ${condition}`,
    [importId],
  )
  await tx.query(`delete from api_key_analytics as t where ${condition}`, [importId])
  await lockQuantities(tx, db, condition, [importId])
  await tx.query(`delete from api_key_analytics_quantities as t where ${condition}`, [importId])
  return { rows: Number(sum!.rows), requests: Number(sum!.requests) }
}

/** Checks after it has locked the keys: then no process can add rows of them. */
async function deleteKeys(tx: Statements, db: Database, importId: number): Promise<number> {
  const lock = db.dialect.kind === 'postgresql' ? '\nfor update' : ''
  await tx.query(BROUGHT + lock, [importId])
  const owners = await tx.query<{ owner: string }>(OWNERS, [importId])
  const removed = await tx.query(
    `delete from api_key_analytics_keys as k where k.import_id = $1 and not ${IS_USED} returning 1`,
    [importId],
  )
  await tx.query(`update api_key_analytics_keys as k set import_id = ${NEXT_IMPORT} where k.import_id = $1`, [
    importId,
  ])
  await removeTracesWithoutKeys(
    tx,
    owners.map(({ owner }) => owner),
  )
  return removed.length
}
