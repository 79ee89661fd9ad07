import type { UsageStore } from './usage-store.ts'
import type { StoreOptions } from './database-store.ts'
import { parseDatabaseUrl } from '../options/parse-database-url.ts'
import { WorkerStore } from './thread/worker-store.ts'

/**
 * Opens the store of the app, in its own thread. It connects on first use. An SQLite file is created and migrated if
 * needed; PostgreSQL must be migrated before.
 * @throws OPTION_INVALID
 */
export function openStore(options: StoreOptions): UsageStore {
  parseDatabaseUrl(options.url)
  return new WorkerStore(options)
}
