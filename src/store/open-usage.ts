import { locateDatabase } from '../options/database-location.ts'
import type { Usage } from '../model/usage.ts'
import { createUsage } from './create-usage.ts'
import { openDatabase } from './database/open-database.ts'
import { requireSchema } from './database/require-schema.ts'

/**
 * Opens an existing, migrated database for reading: a URL, by default where the app has its own (`DATABASE_URL`, else
 * the embedded file).
 * @throws OPTION_INVALID, DATABASE_NOT_FOUND, DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_NOT_MIGRATED, DATABASE_TOO_NEW
 */
export async function openUsage(url?: string): Promise<Usage> {
  const db = await openDatabase(locateDatabase({ database: url }).database)
  try {
    await requireSchema(db)
  } catch (error) {
    await db.close()
    throw error
  }
  return createUsage(db, () => db.close())
}
