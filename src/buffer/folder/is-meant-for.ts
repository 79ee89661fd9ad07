import Database from 'better-sqlite3'
import { fileOfTarget, targetOf } from '../../options/database-target.ts'
import type { DatabaseFacts } from '../../store/usage-store.ts'

/** What is known of a database that asks for counts. */
export type AskingDatabase = Pick<DatabaseFacts, 'databaseId' | 'databaseLabel' | 'knownAs'>

/**
 * Whether the counts of a counter file are meant for a database: its target names it, or names what it was before it
 * was moved. A server is recognised by its name. A name of a file says little, because every machine may have a file of
 * that name, so the file is asked for its id.
 * @param target see `targetOf`
 */
export function isMeantFor(target: string, database: AskingDatabase, dataDir: string): boolean {
  if (target === targetOf(database.databaseLabel, dataDir)) return true
  const file = fileOfTarget(target, dataDir)
  if (file !== undefined) return readFormerId(file) === database.databaseId
  return database.knownAs.some((name) => targetOf(name, dataDir) === target)
}

const FORMER_ID = "select database_id from api_key_analytics_meta where id = 1 and state <> 'active'"

/** The id of a database that was moved; undefined for an active one, which keeps its counts, and for no database. */
function readFormerId(path: string): string | undefined {
  try {
    const file = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 })
    try {
      return file.prepare<[], string>(FORMER_ID).pluck().get()
    } finally {
      file.close()
    }
  } catch {
    // it is gone, locked, or something else: then nobody can say so
    return undefined
  }
}
