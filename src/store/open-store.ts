import type { UsageStore } from './usage-store.ts'
import type { StoreOptions } from './database-store.ts'
import { parseDatabaseUrl } from './database/parse-database-url.ts'
import { WorkerStore } from './thread/worker-store.ts'

/**
 * The door from counting to a database, which works in a thread of its own; connects when it is first used. An SQLite
 * file is made and migrated when need be; PostgreSQL has to be migrated before.
 * @throws OPTION_INVALID
 */
export function openStore(options: StoreOptions): UsageStore {
  parseDatabaseUrl(options.url)
  return new WorkerStore(options)
}
