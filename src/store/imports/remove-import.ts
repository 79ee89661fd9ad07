import { chunksOf } from '../../model/chunks-of.ts'
import { faultPoint } from '../../model/fault-point.ts'
import type { Database } from '../database/open-database.ts'
import { DAY_MS } from '../../time/units.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { findLines } from '../keys/key-lines.ts'
import { lockQuantities, lockRows } from '../remove/lock-rows.ts'
import { removeTracesWithoutKeys } from '../remove/remove-traces.ts'
import { USAGE_TABLES } from '../database/usage-tables.ts'
import { lockImports } from './find-imports.ts'
import { placeholders } from '../database/placeholders.ts'

/** What was removed. */
export interface RemovedImport {
  readonly rows: number
  readonly requests: number
  /** Keys that only this import brought, and that nobody uses for anything else. */
  readonly keys: number
}

/** The time of an import, epoch milliseconds. */
interface Span {
  readonly since: string | number
  readonly until: string | number
}

const SPAN = (dialect: Dialect) => `
select ${dialect.millisecondsOf('since')} as since, ${dialect.millisecondsOf('until')} as until
from api_key_analytics_imports
where id = $1`

/** Keys per statement. */
const CHUNK_KEYS = 1000

/** The keys that an import brought, in the order in which flushes lock keys. */
const BROUGHT = `
select id, name_set_by, owner_set_by
from api_key_analytics_keys
where import_id = $1
order by id`

/** Their owners, present and former. */
const OWNERS = `
select owner
from api_key_analytics_keys
where import_id = $1 and owner is not null
union
select o.owner
from api_key_analytics_owners o
join api_key_analytics_keys k on k.id = o.api_key_id
where k.import_id = $1 and o.owner is not null`

/** The owners of whom anything is stored besides usage and statements. */
const OWNERS_WITH_TRACES = `
select subject as owner
from api_key_analytics_quotas
where subject_kind = 'owner'
union
select owner
from api_key_analytics_alerts
where owner is not null`

/**
 * Removes an import as a whole, in one transaction: its rows, its entry, and the keys that only it brought.
 * @returns undefined when there is no import with this number
 */
export async function removeImport(db: Database, importId: number): Promise<RemovedImport | undefined> {
  return db.transaction(async (tx) => {
    await lockImports(tx, db.dialect)
    const [found] = await tx.query<Span>(SPAN(db.dialect), [importId])
    if (!found) return undefined
    const removed = await deleteImportedRows(tx, db, importId, found)
    faultPoint('import rows removed')
    const keys = await deleteKeys(tx, db, importId)
    faultPoint('import keys removed')
    await tx.query('delete from api_key_analytics_import_quantities where import_id = $1', [importId])
    await tx.query('delete from api_key_analytics_imports where id = $1', [importId])
    return { ...removed, keys }
  })
}

/** In the order of the flushes and removals, so that none of them can deadlock with this. */
async function deleteImportedRows(
  tx: Statements,
  db: Database,
  importId: number,
  { since, until }: Span,
): Promise<{ rows: number; requests: number }> {
  const { dialect } = db
  // by the index on bucket; a roll-up moves rows to the start of their day
  const condition = `t.import_id = $1 and t.bucket >= ${dialect.timeOf('$2')} and t.bucket < ${dialect.timeOf('$3')}`
  const params = [importId, Number(since) - (Number(since) % DAY_MS), Number(until)]
  await lockRows(tx, db, condition, params)
  const [sum] = await tx.query<{ rows: string | number; requests: string | number }>(
    `select count(*) as rows, coalesce(sum(t.request_count), 0) as requests from api_key_analytics t where ${condition}`,
    params,
  )
  await tx.query(`delete from api_key_analytics as t where ${condition}`, params)
  await lockQuantities(tx, db, condition, params)
  await tx.query(`delete from api_key_analytics_quantities as t where ${condition}`, params)
  return { rows: Number(sum!.rows), requests: Number(sum!.requests) }
}

/**
 * Deletes the keys that only this import brought. A key with other rows, a quota, a link, or a name or owner that a
 * person set stays. Checks after it has locked the keys: then no process can add rows of them.
 */
async function deleteKeys(tx: Statements, db: Database, importId: number): Promise<number> {
  // on Citus the writers wait already, see `lockRows`
  const lock = db.dialect.kind === 'postgresql' && !db.distributed ? '\nfor update' : ''
  type Brought = Record<'id' | 'name_set_by' | 'owner_set_by', string>
  const brought = await tx.query<Brought>(BROUGHT + lock, [importId])
  const owners = await tx.query<{ owner: string }>(OWNERS, [importId])
  let removed = 0
  for (const keys of chunksOf(brought, CHUNK_KEYS)) {
    const ids = keys.map(({ id }) => id)
    const others = await findOtherImports(tx, ids)
    const limited = await findLimited(tx, ids)
    const linked = await findLines(tx, ids)
    const isUsed = ({ id, name_set_by: name, owner_set_by: owner }: Brought) =>
      others.has(id) || limited.has(id) || linked.has(id) || name === 'person' || owner === 'person'
    for (const [next, some] of Map.groupBy(keys.filter(isUsed), ({ id }) => others.get(id) ?? 0)) {
      const kept = some.map(({ id }) => id)
      const list = placeholders(kept, 2)
      const keep = `update api_key_analytics_keys set import_id = $1 where id in (${list})`
      await tx.query(keep, [next, ...kept])
    }
    const unused = keys.filter((key) => !isUsed(key)).map(({ id }) => id)
    removed += unused.length
    if (unused.length > 0)
      await tx.query(`delete from api_key_analytics_keys where id in (${placeholders(unused)})`, unused)
  }
  const traced = new Set((await tx.query<{ owner: string }>(OWNERS_WITH_TRACES)).map(({ owner }) => owner))
  await removeTracesWithoutKeys(
    tx,
    owners.map(({ owner }) => owner).filter((owner) => traced.has(owner)),
  )
  return removed
}

/** The first import that has rows of a key, 0 when the app counted some; keys without rows are absent. */
async function findOtherImports(tx: Statements, ids: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const table of USAGE_TABLES) {
    const rows = await tx.query<{ id: string; first: number }>(
      `select api_key_id as id, min(import_id) as first
from ${table}
where api_key_id in (${placeholders(ids)})
group by api_key_id`,
      ids,
    )
    for (const { id, first } of rows) found.set(id, Math.min(first, found.get(id) ?? first))
  }
  return found
}

async function findLimited(tx: Statements, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx.query<{ subject: string }>(
    `select subject from api_key_analytics_quotas where subject_kind = 'key' and subject in (${placeholders(ids)})`,
    ids,
  )
  return new Set(rows.map(({ subject }) => subject))
}
