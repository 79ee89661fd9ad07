import { suggest } from '../../model/suggest.ts'
import type { KeyRecord } from '../../model/key.ts'
import { byteOrder } from '../database/byte-order.ts'
import { keyColumns, toKeyRecord } from './key-record.ts'
import type { KeyColumns } from './key-record.ts'
import type { Database } from '../database/open-database.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { ofEveryKey, timeParameter } from './usage-filter.ts'
import { placeholders } from '../database/placeholders.ts'

const JOIN_LINK = 'left join api_key_analytics_links l on l.api_key_id = k.id'

/** Most keys returned for one text; more than one is ambiguous in any case. */
const MATCHES = 20
/** Names are compared one by one, so only the keys used last are searched for a similar name. */
const CANDIDATES = 10_000

/**
 * The keys that match a text: exactly by id, name or label; else by the start of the id or label. More than one (20 at
 * most) when it is ambiguous, none when no key matches.
 */
export async function findKeys(db: Database, text: string): Promise<KeyRecord[]> {
  const exact = await selectKeys(db, 'k.name = $1 or k.label = $1 or cast(k.id as text) = lower($1)', text)
  if (exact.length > 0 || text === '') return exact
  return selectKeys(
    db,
    'substr(k.label, 1, length($1)) = $1 or substr(cast(k.id as text), 1, length($1)) = lower($1)',
    text,
  )
}

async function selectKeys(db: Database, condition: string, text: string): Promise<KeyRecord[]> {
  const found = await db.query<KeyColumns>(
    `select ${keyColumns(db.dialect)}, l.continues as key_continues
from api_key_analytics_keys k
${JOIN_LINK}
where ${condition.replaceAll('$1', 'cast($1 as text)')}
order by ${byteOrder(db.dialect, 'coalesce(k.name, k.label)')}, k.id
limit ${MATCHES}`,
    [text],
  )
  return found.map(toKeyRecord)
}

/** Names and labels that are similar to a text without a match, nearest first; at most three. */
export async function suggestKeys(db: Database, text: string): Promise<string[]> {
  const keys = await db.query<{ label: string; name: string | null }>(
    `select label, name
from api_key_analytics_keys
order by last_used_at desc, id
limit ${CANDIDATES}`,
  )
  return suggest(text, new Set(keys.flatMap(({ label, name }) => (name === null ? [label] : [name, label]))))
}

/** Which keys to list, and from when on to count their requests; absent means all. */
export interface KeyListOptions {
  /** Only keys that were last used before this. */
  readonly unusedSince?: Date | undefined
  readonly owner?: string | undefined
  readonly requestsSince?: Date | undefined
}

/** Every key with its requests, last used first. */
export async function listKeys(
  db: Database,
  { unusedSince, owner, requestsSince }: KeyListOptions = {},
): Promise<(KeyRecord & { requestCount: number })[]> {
  const parameters = new SqlParameters()
  const counted = requestsSince
    ? `where t.bucket >= ${timeParameter(db.dialect, requestsSince, parameters)} and ${ofEveryKey(db.dialect)}`
    : ''
  const conditions = ['true']
  if (unusedSince) {
    conditions.push(`k.last_used_at < ${timeParameter(db.dialect, unusedSince, parameters)}`)
  }
  if (owner !== undefined) conditions.push(`k.owner = ${parameters.add(owner)}`)
  const found = await db.query<KeyColumns & { request_count: string }>(
    `select ${keyColumns(db.dialect)}, l.continues as key_continues, coalesce(u.request_count, 0) as request_count
from api_key_analytics_keys k
${JOIN_LINK}
left join (
  select t.api_key_id, sum(t.request_count) as request_count
  from api_key_analytics t
  ${counted}
  group by t.api_key_id
) u on u.api_key_id = k.id
where ${conditions.join(' and ')}
order by k.last_used_at desc, k.id`,
    parameters.values,
  )
  return found.map((row) => Object.assign(toKeyRecord(row), { requestCount: Number(row.request_count) }))
}

/** Keys by their ids, oldest first. */
export async function readKeysById(db: Database, ids: readonly string[]): Promise<KeyRecord[]> {
  if (ids.length === 0) return []
  const found = await db.query<KeyColumns>(
    `select ${keyColumns(db.dialect)}, l.continues as key_continues
from api_key_analytics_keys k
${JOIN_LINK}
where k.id in (${placeholders(ids)})
order by k.first_seen_at, k.id`,
    ids,
  )
  return found.map(toKeyRecord)
}

/** The ids of all keys that belong to an owner, or did. */
export async function findKeysOfOwner(db: Database, owner: string): Promise<string[]> {
  const found = await db.query<{ id: string }>(
    `select id from api_key_analytics_keys where owner = $1
union
select api_key_id from api_key_analytics_owners where owner = $1
order by id`,
    [owner],
  )
  return found.map(({ id }) => id)
}
