import { openDatabase } from './open-database.ts'
import type { Database } from './open-database.ts'
import type { OpenOptions } from './dialect.ts'
import { requireSchema } from './require-schema.ts'

/**
 * Makes a function that opens a migrated database once, for reading. It opens it again after a failure, and when its
 * file was replaced.
 */
export function keepOpen(url: string, options?: OpenOptions): () => Promise<Database> {
  let opened: Promise<Database> | undefined
  return async function open(): Promise<Database> {
    opened ??= openMigrated(url, options)
    try {
      const db = await opened
      if (db.isCurrent()) return db
      opened = undefined
      await db.close()
    } catch (error) {
      opened = undefined
      throw error
    }
    return open()
  }
}

async function openMigrated(url: string, options?: OpenOptions): Promise<Database> {
  const db = await openDatabase(url, options)
  try {
    await requireSchema(db)
    return db
  } catch (error) {
    await db.close()
    throw error
  }
}
