/**
 * SQL for whose the rows of `api_key_analytics t` are: of the former owner whose period has the start of their bucket,
 * else of the key's present owner. `name` is a placeholder.
 */

/** Joins the former owner `o`, of whom there is none where the present one counts. */
export const JOIN_FORMER_OWNER = `left join api_key_analytics_owners o
    on o.api_key_id = t.api_key_id and o.since <= t.bucket and o.until > t.bucket`

/** Rows of keys that had another owner before the present one. */
export const OF_KEYS_WITH_FORMER_OWNERS =
  '(t.api_key_id in (select api_key_id from api_key_analytics_owners))'

/** Rows of keys that are or were an owner's: lets the primary key help. */
export function ofKeysOf(name: string): string {
  return `t.api_key_id in (
    select id from api_key_analytics_keys where owner = ${name}
    union
    select api_key_id from api_key_analytics_owners where owner = ${name}
  )`
}

/** Of those, the rows that were the owner's at their time. Keys that never had another one need no look. */
export function ownedBy(name: string): string {
  return `(not ${OF_KEYS_WITH_FORMER_OWNERS}
    or exists (
      select 1 from api_key_analytics_owners o
      where o.api_key_id = t.api_key_id and o.since <= t.bucket and o.until > t.bucket and o.owner = ${name}
    )
    or exists (
      select 1 from api_key_analytics_keys k
      where k.id = t.api_key_id and k.owner_since <= t.bucket and k.owner = ${name}
    ))`
}
