import { chunksOf } from '../../model/chunks-of.ts'
import { readClosedPeriods } from '../billing/closed-periods.ts'
import { readOwners, writeOwners } from '../keys/key-owners.ts'
import type { Database } from '../database/open-database.ts'
import type { OwnerPeriods } from '../keys/owner-periods.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { takeTurn } from '../write/take-turn.ts'
import { USAGE_TABLES } from '../database/usage-tables.ts'
import { placeholders } from '../database/placeholders.ts'

/** Keys per transaction. */
const CHUNK_KEYS = 1000

const FIND = ({ dialect }: Database, ofKey: boolean) => `
select distinct o.api_key_id as id
from api_key_analytics_owners o
where o.until <= ${dialect.timeOf('$1')}
  ${USAGE_TABLES.map((table) => `and not exists (select 1 from ${table} t where t.api_key_id = o.api_key_id and t.bucket < o.until)`).join('\n  ')}
  ${ofKey ? 'and o.api_key_id = $2' : ''}
order by o.api_key_id`

const FIND_FIRST = ({ dialect }: Database, ids: string) => `
select id, ${dialect.millisecondsOf('min(first)')} as first
from (${USAGE_TABLES.map((table) => `select api_key_id as id, min(bucket) as first from ${table} where api_key_id in (${ids}) group by api_key_id`).join(' union all ')}) as t
group by id`

/**
 * Removes former owners, of all keys or of one, whose time ended before a date and has no rows left. The first
 * remaining owner's period then begins at the beginning of time. Who had a key in a closed period stays known: counts
 * of it that come late are billed to them.
 */
export async function pruneOwners(db: Database, before: number, keyId: string | null): Promise<void> {
  const closed = await readClosedPeriods(db, db.dialect)
  const end = Math.min(before, ...closed.map(({ since }) => since))
  const params = keyId === null ? [end] : [end, keyId]
  const found = await db.query<{ id: string }>(FIND(db, keyId !== null), params)
  for (const some of chunksOf(found, CHUNK_KEYS)) {
    const ids = some.map(({ id }) => id)
    await runBoundedWrite(db, (tx) => pruneKeys({ ...db, ...tx }, ids, end))
  }
}

async function pruneKeys(db: Database, ids: readonly string[], before: number): Promise<void> {
  await takeTurn(db, db)
  const list = placeholders(ids)
  // The lock keeps flushes from changing their owners.
  await db.query(`update api_key_analytics_keys set label = label where id in (${list})`, ids)
  const rows = await db.query<{ id: string; first: string }>(FIND_FIRST(db, list), ids)
  const firstBuckets = new Map(rows.map(({ id, first }) => [id, Number(first)]))
  const owners = await readOwners(db, db.dialect, ids)
  for (const [id, periods] of owners) {
    owners.set(id, keepSince(periods, Math.min(before, firstBuckets.get(id) ?? Infinity)))
  }
  await writeOwners(db, db.dialect, owners)
}

/** The periods that end after a time, or not at all. */
function keepSince(periods: OwnerPeriods, time: number): OwnerPeriods {
  const [first, ...rest] = periods.filter((_, index) => (periods[index + 1]?.since ?? Infinity) > time)
  return [{ ...first!, since: 0 }, ...rest]
}
