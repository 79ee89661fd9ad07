import type { UsageStore } from '../usage.ts'
import { DatabaseStore } from './database-store.ts'
import type { StoreOptions } from './database-store.ts'
import { WorkerStore } from './dialect/worker-store.ts'
import { parseDatabaseUrl } from './parse-database-url.ts'

/**
 * The door from counting to a database; connects when it is first used. An SQLite file is made and migrated when need
 * be, by a worker thread; PostgreSQL has to be migrated before.
 * @throws OPTION_INVALID
 */
export function openStore(options: StoreOptions): UsageStore {
  return parseDatabaseUrl(options.url).kind === 'sqlite'
    ? new WorkerStore(options)
    : new DatabaseStore(options)
}
