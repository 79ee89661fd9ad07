import type { KeyRecord } from '../../model/key.ts'
import type { Dialect } from '../database/dialect.ts'

/** A key `k` as `keyColumns` selects it. */
export interface KeyColumns {
  readonly key_id: string
  readonly key_label: string
  readonly key_name: string | null
  readonly key_owner: string | null
  readonly key_first_seen: string | number
  readonly key_last_used: string | number
  /** Of a line. */
  readonly key_count?: string | number | null
  readonly key_continues?: string | null
}

/** The columns of `api_key_analytics_keys k` that make up a key. */
export function keyColumns(dialect: Dialect): string {
  return `k.id as key_id, k.label as key_label, k.name as key_name, k.owner as key_owner,
  ${dialect.millisecondsOf('k.first_seen_at')} as key_first_seen,
  ${dialect.millisecondsOf('k.last_used_at')} as key_last_used`
}

/**
 * The same of a line, which `k`, its newest key, stands for: `n` is the row of `selectLines`, in a group that has one. A key
 * without links is a line of its own.
 */
export function lineColumns(dialect: Dialect): string {
  return `k.id as key_id, k.label as key_label, k.name as key_name, k.owner as key_owner,
  ${dialect.millisecondsOf('coalesce(min(n.first_seen_at), k.first_seen_at)')} as key_first_seen,
  ${dialect.millisecondsOf('coalesce(max(n.last_used_at), k.last_used_at)')} as key_last_used,
  max(n.key_count) as key_count`
}

/**
 * The lines, by their newest key: how many keys they have, and when these were used. `keyIds`: placeholders for the ids of
 * all keys of some lines; without them all lines.
 */
export function selectLines(keyIds: readonly string[] | undefined): string {
  const chosen = keyIds ? `\n    where l.api_key_id in (${keyIds.join(', ')})` : ''
  return `(
    select l.line, count(*) as key_count, min(m.first_seen_at) as first_seen_at, max(m.last_used_at) as last_used_at
    from api_key_analytics_links l
    join api_key_analytics_keys m on m.id = l.api_key_id${chosen}
    group by l.line
  )`
}

/** A key from its columns. */
export function toKeyRecord(row: KeyColumns): KeyRecord {
  return {
    id: row.key_id,
    label: row.key_label,
    name: row.key_name,
    owner: row.key_owner,
    firstSeenAt: new Date(Number(row.key_first_seen)),
    lastUsedAt: new Date(Number(row.key_last_used)),
    ...(row.key_count != null && { keyCount: Number(row.key_count) }),
    ...(row.key_continues != null && { continues: row.key_continues }),
  }
}
