import Database from 'better-sqlite3'
import { fileOfTarget, targetOf } from '../../options/database-target.ts'
import { findKnownDatabase } from './known-databases.ts'
import type { DatabaseFacts } from '../../store/usage-store.ts'

/** What is known of a database that asks for counts. */
export type AskingDatabase = Pick<DatabaseFacts, 'databaseId' | 'databaseLabel'>

/**
 * Whether the counts of a counter file are meant for a database: its target names it, or names what it was before it
 * was moved. A name says little, because every machine may have a file or a server of that name. So a file is asked for
 * its id, and the data folder knows which database the name of a server led to.
 * @param target see `targetOf`
 */
export function isMeantFor(target: string, database: AskingDatabase, dataDir: string): boolean {
  if (target === targetOf(database.databaseLabel, dataDir)) return true
  const file = fileOfTarget(target, dataDir)
  const formerId = file === undefined ? findKnownDatabase(target, dataDir) : readFormerId(file)
  return formerId === database.databaseId
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
