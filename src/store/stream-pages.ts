import type { StreamQuery } from '../usage.ts'
import { copyPages } from './copy-pages.ts'
import { keyColumns } from './key-record.ts'
import type { KeyColumns } from './key-record.ts'
import type { Database } from './open-database.ts'
import { readPages } from './read-pages.ts'
import type { KeylessPage, StoredKey, UsagePage } from './usage-page.ts'

/** What `streamUsage` gives as rows, by column; no page is empty. */
export function streamPages(
  db: Database,
  query: StreamQuery = {},
): AsyncGenerator<UsagePage, void, undefined> {
  return withKeys(db, readPages(db, query))
}

/**
 * The same, several times as fast from PostgreSQL and of one moment there. For one reader at a time who reads as fast as
 * he can: meanwhile it holds a connection, and what the server must keep for it.
 */
export function copyOrStreamPages(
  db: Database,
  query: StreamQuery = {},
): AsyncGenerator<UsagePage, void, undefined> {
  // Citus would copy all rows to its coordinator before it gives the first one
  return db.copy && !db.distributed ? withKeys(db, copyPages(db, db.copy, query)) : streamPages(db, query)
}

async function* withKeys(
  db: Database,
  pages: AsyncIterable<KeylessPage>,
): AsyncGenerator<UsagePage, void, undefined> {
  const keys = new Map<string, StoredKey>()
  for await (const { keyId, ...page } of pages) {
    await addKeys(db, keyId, keys)
    yield { key: keyId.map((id) => keys.get(id)!), ...page }
  }
}

/** Keys are read apart, each once. */
async function addKeys(db: Database, keyIds: readonly string[], keys: Map<string, StoredKey>): Promise<void> {
  const ids = [...new Set(keyIds.filter((id) => !keys.has(id)))]
  if (ids.length === 0) return
  // one that is not found was forgotten a moment after its rows were read
  for (const id of ids) keys.set(id, { keyId: id, keyLabel: '', keyName: null, keyOwner: null })
  const found = await db.query<KeyColumns>(
    `select ${keyColumns(db.dialect)}
from api_key_analytics_keys k
where k.id in (${ids.map((_, index) => `$${index + 1}`).join(', ')})`,
    ids,
  )
  for (const { key_id: keyId, key_label: keyLabel, key_name: keyName, key_owner: keyOwner } of found) {
    keys.set(keyId, { keyId, keyLabel, keyName, keyOwner })
  }
}
