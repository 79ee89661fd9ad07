import type { StreamQuery } from '../usage.ts'
import { copyPages } from './copy-pages.ts'
import { keyColumns } from './key-record.ts'
import type { KeyColumns } from './key-record.ts'
import type { Database } from './open-database.ts'
import { readPages } from './read-pages.ts'
import type { StoredKey, UsagePage } from './usage-page.ts'

/** What `streamUsage` gives as rows, by column; no page is empty. */
export async function* streamPages(
  db: Database,
  query: StreamQuery = {},
): AsyncGenerator<UsagePage, void, undefined> {
  const keys = new Map<string, StoredKey>()
  // Citus would copy all rows to its coordinator before it gives the first one
  const pages = db.copy && !db.distributed ? copyPages(db, db.copy, query) : readPages(db, query)
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
