import type { StreamQuery } from '../../model/usage-query.ts'
import { findLines } from '../keys/key-lines.ts'
import { copyPages } from './copy-pages.ts'
import { followLinks } from './follow-links.ts'
import { keyColumns } from './key-record.ts'
import type { KeyColumns } from './key-record.ts'
import type { Database } from '../database/open-database.ts'
import { readPages } from './read-pages.ts'
import type { KeylessPage, StoredKey, UsagePage } from './usage-page.ts'
import { placeholders } from '../database/placeholders.ts'

/** The rows of `streamUsage`, by column; no page is empty. */
export function streamPages(
  db: Database,
  query: StreamQuery = {},
): AsyncGenerator<UsagePage, void, undefined> {
  return followed(db, query, (found) => readPages(db, found))
}

/**
 * The same, but several times as fast from PostgreSQL, and of one moment there. For a single fast consumer: it holds a
 * connection and a snapshot until done.
 */
export function copyOrStreamPages(
  db: Database,
  query: StreamQuery = {},
): AsyncGenerator<UsagePage, void, undefined> {
  // Citus would copy all rows to its coordinator before it returns the first one. Quantities are read page by page.
  const { copy } = db
  return copy && !db.distributed && !query.units
    ? followed(db, query, (found) => copyPages(db, copy, found))
    : streamPages(db, query)
}

async function* followed(
  db: Database,
  query: StreamQuery,
  read: (query: StreamQuery) => AsyncIterable<KeylessPage>,
): AsyncGenerator<UsagePage, void, undefined> {
  yield* withKeys(db, read((await followLinks(db, query)).query))
}

async function* withKeys(
  db: Database,
  pages: AsyncIterable<KeylessPage>,
): AsyncGenerator<UsagePage, void, undefined> {
  const keys = new Map<string, KeyInTime>()
  for await (const { keyId, ...page } of pages) {
    await addKeys(db, keyId, keys)
    const keyAt = (id: string, row: number) => findStoredKey(keys.get(id)!, page.bucket[row]!)
    yield { key: keyId.map(keyAt), ...page }
  }
}

/** A key with its owner, and its former owners with the ends of their periods, oldest first. */
interface KeyInTime {
  readonly present: StoredKey
  readonly former: { readonly until: number; readonly key: StoredKey }[]
}

function findStoredKey({ present, former }: KeyInTime, bucket: Date): StoredKey {
  if (former.length === 0) return present
  return former.find(({ until }) => bucket.getTime() < until)?.key ?? present
}

/** Keys are read separately, each once. */
async function addKeys(db: Database, keyIds: readonly string[], keys: Map<string, KeyInTime>): Promise<void> {
  const ids = [...new Set(keyIds.filter((id) => !keys.has(id)))]
  if (ids.length === 0) return
  // a key that is missing was forgotten just after its rows were read
  for (const id of ids) {
    keys.set(id, { present: { keyId: id, keyLabel: '', keyName: null, keyOwner: null }, former: [] })
  }
  const list = placeholders(ids)
  const found = await db.query<KeyColumns>(
    `select ${keyColumns(db.dialect)}
from api_key_analytics_keys k
where k.id in (${list})`,
    ids,
  )
  const lines = await findLines(db, ids)
  for (const { key_id: keyId, key_label: keyLabel, key_name: keyName, key_owner: keyOwner } of found) {
    const line = lines.get(keyId)
    const linked = line && { keyLine: line.newest }
    keys.set(keyId, { present: { keyId, keyLabel, keyName, keyOwner, ...linked }, former: [] })
  }
  const former = await db.query<{ id: string; until: string; owner: string | null }>(
    `select api_key_id as id, ${db.dialect.millisecondsOf('until')} as until, owner
from api_key_analytics_owners
where api_key_id in (${list})
order by api_key_id, until`,
    ids,
  )
  for (const { id, until, owner } of former) {
    const key = keys.get(id)!
    key.former.push({ until: Number(until), key: { ...key.present, keyOwner: owner } })
  }
}
