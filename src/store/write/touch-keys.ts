import type { Batch } from '../../model/batch.ts'
import type { KeyIdentity } from '../../model/key.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { readOwners, writeOwners } from '../keys/key-owners.ts'
import { hearOwner } from '../keys/owner-periods.ts'
import type { TouchedKeys } from './touched-keys.ts'

const KEY_COLUMNS = { id: 'uuid', label: 'text', name: 'text', owner: 'text' }

/** Whether the name or owner in a batch counts. Null changes nothing. */
const HEARS_NAME = `excluded.name is not null and k.name_set_by = 'app'
    and (k.name_said_at is null or excluded.name_said_at >= k.name_said_at)`
/** An owner other than the present one changes periods and sums, which takes more than one statement. */
const HEARS_OWNER = `k.owner = excluded.owner and k.owner_set_by = 'app'
    and (k.owner_since is null or excluded.owner_said_at >= k.owner_since)
    and (k.owner_said_at is null or excluded.owner_said_at >= k.owner_said_at)`

const UPSERT_KEYS = (dialect: Dialect, given: string, time: string) => `
insert into api_key_analytics_keys as k
  (id, label, name, name_said_at, owner, owner_said_at, first_seen_at, last_used_at)
select id, label, name, case when name is not null then ${time} end,
  owner, case when owner is not null then ${time} end, ${time}, ${time}
from ${given}
where true
order by n
on conflict (id) do update set
  name = case when ${HEARS_NAME} then excluded.name else k.name end,
  name_said_at = case when ${HEARS_NAME} then excluded.name_said_at else k.name_said_at end,
  owner_said_at = case when ${HEARS_OWNER} then excluded.owner_said_at else k.owner_said_at end,
  first_seen_at = case when excluded.first_seen_at < k.first_seen_at
    then excluded.first_seen_at else k.first_seen_at end,
  last_used_at = case when excluded.last_used_at > k.last_used_at
    then excluded.last_used_at else k.last_used_at end,
  import_id = 0
returning id, owner, ${dialect.millisecondsOf('owner_since')} as owner_since`

interface Touched {
  readonly id: string
  readonly owner: string | null
  readonly owner_since: string | number | null
}

/**
 * Inserts the keys of a batch, or updates their time of last use and the name and owner that the app gave. Keys that
 * this process updated a moment ago, with no new name or owner, are skipped: flushes that upsert every key each time
 * wait for each other. If a skipped key was deleted in the meantime, its cells are refused, and the batch is tried
 * again with all its keys.
 */
export async function touchKeys(
  tx: Statements,
  dialect: Dialect,
  batch: Batch,
  keys: readonly KeyIdentity[],
  touched: TouchedKeys,
): Promise<void> {
  const due = touched.findDue(keys, batch.sealedAt)
  if (due.length === 0) return
  const rows = due.map(({ id, label, name, owner }) => [id, label, name, owner])
  const given = dialect.givenRows(KEY_COLUMNS, rows, 2)
  const upsert = UPSERT_KEYS(dialect, given.sql, dialect.timeOf('$1'))
  const found = await tx.query<Touched>(upsert, [batch.sealedAt, ...given.params])
  await hearOwners(tx, dialect, batch, due, found)
}

/** Begins or moves periods where the app gave an owner that differs from the stored one for the bucket. */
async function hearOwners(
  tx: Statements,
  dialect: Dialect,
  { bucket, sealedAt }: Batch,
  keys: readonly KeyIdentity[],
  found: readonly Touched[],
): Promise<void> {
  const said = new Map(keys.flatMap(({ id, owner }) => (owner === null ? [] : [[id, owner]])))
  const differing = found.filter(
    ({ id, owner, owner_since: since }) =>
      said.has(id) && (owner !== said.get(id) || Number(since ?? 0) > bucket),
  )
  if (differing.length === 0) return
  // the statement before has locked the keys
  const known = await readOwners(
    tx,
    dialect,
    differing.map(({ id }) => id),
  )
  for (const [id, periods] of known) {
    const heard = hearOwner(periods, { owner: said.get(id)!, bucket, time: sealedAt })
    if (heard === periods) known.delete(id)
    else known.set(id, heard)
  }
  await writeOwners(tx, dialect, known)
}
