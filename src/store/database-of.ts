import type { Usage } from '../model/usage.ts'
import type { Database } from './database/open-database.ts'

// Not a property of Usage: its type would make every TypeScript app compile what a database is.
const databases = new WeakMap<Usage, Database>()

/** Remembers the database of a `Usage`, for `getOrm`. */
export function noteDatabase(usage: Usage, db: Database): void {
  databases.set(usage, db)
}

/** The database that was noted; undefined for anything else than a `Usage` of ours. */
export function databaseOf(usage: Usage): Database | undefined {
  return databases.get(usage)
}
