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
}

/** The columns of `api_key_analytics_keys k` that make up a key. */
export function keyColumns(dialect: Dialect): string {
  return `k.id as key_id, k.label as key_label, k.name as key_name, k.owner as key_owner,
  ${dialect.millisecondsOf('k.first_seen_at')} as key_first_seen,
  ${dialect.millisecondsOf('k.last_used_at')} as key_last_used`
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
  }
}
