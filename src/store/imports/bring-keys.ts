import type { ImportedRow } from '../../model/imported-row.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { placeholders } from '../database/placeholders.ts'

/** A key that an import brings, as it is stored now. */
export interface BroughtKey {
  readonly owner: string | null
  /** Start of its first and of its last bucket so far, epoch milliseconds. */
  readonly first: number
  readonly last: number
}

const COLUMNS = {
  id: 'uuid',
  label: 'text',
  name: 'text',
  owner: 'text',
  first_at: 'bigint',
  last_at: 'bigint',
}

/** Inserts keys, or moves the times of those that this import has inserted. */
const BRING = (dialect: Dialect, given: string, importId: number) => `
insert into api_key_analytics_keys as k (id, label, name, owner, first_seen_at, last_used_at, import_id)
select id, label, name, owner, ${dialect.timeOf('first_at')}, ${dialect.timeOf('last_at')}, ${importId}
from ${given}
where true
order by n
on conflict (id) do update set
  name = coalesce(k.name, excluded.name),
  first_seen_at = case when excluded.first_seen_at < k.first_seen_at
    then excluded.first_seen_at else k.first_seen_at end,
  last_used_at = case when excluded.last_used_at > k.last_used_at
    then excluded.last_used_at else k.last_used_at end
where k.import_id = ${importId}
returning id, owner, ${dialect.millisecondsOf('first_seen_at')} as first_at,
  ${dialect.millisecondsOf('last_used_at')} as last_at`

/**
 * Stores the keys of rows, and finds those that this import brings. A key of others keeps what is known of it. It is not
 * even locked, so that flushes of it do not wait.
 */
export async function bringKeys(
  tx: Statements,
  dialect: Dialect,
  importId: number,
  rows: readonly ImportedRow[],
): Promise<Map<string, BroughtKey>> {
  const seen = new Map<string, { key: ImportedRow['key']; first: number; last: number }>()
  for (const { key, bucket } of rows) {
    const known = seen.get(key.id)
    if (!known) seen.set(key.id, { key, first: bucket, last: bucket })
    else if (bucket > known.last) known.last = bucket
    else if (bucket < known.first) {
      // the owner of a new key is the one of its first bucket
      known.key = key
      known.first = bucket
    }
  }
  const others = await findKeysOfOthers(tx, importId, [...seen.keys()])
  const inOrder = [...seen].filter(([id]) => !others.has(id)).sort(([a], [b]) => (a < b ? -1 : 1))
  if (inOrder.length === 0) return new Map()
  const given = dialect.givenRows(
    COLUMNS,
    inOrder.map(([id, { key, first, last }]) => [id, key.label, key.name, key.owner, first, last]),
    1,
  )
  type Row = { id: string; owner: string | null } & Record<'first_at' | 'last_at', string | number>
  const brought = await tx.query<Row>(BRING(dialect, given.sql, importId), given.params)
  return new Map(
    brought.map(({ id, owner, ...row }) => [
      id,
      { owner, first: Number(row.first_at), last: Number(row.last_at) },
    ]),
  )
}

async function findKeysOfOthers(
  tx: Statements,
  importId: number,
  ids: readonly string[],
): Promise<Set<string>> {
  const list = placeholders(ids)
  const found = await tx.query<{ id: string }>(
    `select id from api_key_analytics_keys where import_id <> ${importId} and id in (${list})`,
    ids,
  )
  return new Set(found.map(({ id }) => id))
}
