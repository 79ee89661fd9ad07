/**
 * SQL for the owner of the rows of `api_key_analytics t`: the former owner whose period contains the start of the
 * bucket, else the key's present owner. `name` is a placeholder.
 */

import type { Dialect } from '../database/dialect.ts'
import { DAY_MS } from '../../time/units.ts'

/** Joins the former owner `o`; without a match the present owner counts. */
export const JOIN_FORMER_OWNER = `left join api_key_analytics_owners o
    on o.api_key_id = t.api_key_id and o.since <= t.bucket and o.until > t.bucket`

/** Rows of keys that had another owner before the present one. */
export const OF_KEYS_WITH_FORMER_OWNERS =
  '(t.api_key_id in (select api_key_id from api_key_analytics_owners))'

/** Rows of keys that belong to an owner, or did: allows the use of the primary key. */
export function ofKeysOf(name: string): string {
  return `t.api_key_id in (
    select id from api_key_analytics_keys where owner = ${name}
    union
    select api_key_id from api_key_analytics_owners where owner = ${name}
  )`
}

/** Of those, the rows of the time in which the owner had the key. Keys without former owners need no check. */
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

/** Rows in which the key changed its owner; with `name` only where that owner lost or got the key. */
export function cutByOwners(dialect: Dialect, name?: string): string {
  const begin = dialect.millisecondsOf('t.bucket')
  const change = dialect.millisecondsOf('o.until')
  const gotIt = `coalesce(
      (select n.owner = ${name} from api_key_analytics_owners n
        where n.api_key_id = o.api_key_id and n.since = o.until),
      (select k.owner = ${name} from api_key_analytics_keys k where k.id = o.api_key_id and k.owner_since = o.until),
      false)`
  return `exists (
    select 1 from api_key_analytics_owners o
    where o.api_key_id = t.api_key_id and o.until > t.bucket
      and ${change} < ${begin} + t.bucket_minutes * 60000${name ? `\n      and (o.owner = ${name} or ${gotIt})` : ''}
  )`
}

/**
 * Rows of a UTC day on which their key changed its owner, as known now or as it was billed. They are never merged into
 * day rows, because a day row has one owner. `day`: its start, epoch milliseconds; without it the day of each row.
 */
export function inDayOfTransfer(dialect: Dialect, day?: number): string {
  const [present, billed] = [
    { table: 'api_key_analytics_owners o', change: 'o.until' },
    { table: 'api_key_analytics_statement_owners o', change: 'o.since' },
  ].map(
    ({ table, change }) => `exists (
    select 1 from ${table}
    where o.api_key_id = t.api_key_id and ${day === undefined ? isOnDayOfRow(dialect, change) : isWithin(dialect, change, day)}
  )`,
  )
  return `(${present} or ${billed})`
}

function isWithin(dialect: Dialect, time: string, day: number): string {
  return `${time} > ${dialect.timeOf(String(day))} and ${time} < ${dialect.timeOf(String(day + DAY_MS))}`
}

function isOnDayOfRow(dialect: Dialect, time: string): string {
  const change = dialect.millisecondsOf(time)
  return `${change} % ${DAY_MS} <> 0
      and ${change} / ${DAY_MS} = ${dialect.millisecondsOf('t.bucket')} / ${DAY_MS}`
}
