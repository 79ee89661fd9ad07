import { locateDatabase } from './options/database-location.ts'
import { quoteName } from './model/describe-value.ts'
import { AnalyticsError } from './model/errors.ts'
import type { Usage, UsageOptions } from './model/usage.ts'
import { createUsage } from './create-usage.ts'
import { openDatabase } from './store/database/open-database.ts'
import { requireSchema } from './store/database/require-schema.ts'

/** What `openUsage()` does once a driver may be loaded. */
export async function openReadSide(given?: string | UsageOptions): Promise<Usage> {
  const db = await openDatabase(locateDatabase(readArguments(given)).database)
  try {
    await requireSchema(db)
  } catch (error) {
    await db.close()
    throw error
  }
  return createUsage(db, () => db.close())
}

const NAMES: ReadonlySet<string> = new Set(['database', 'dataDir'])

/** Names only the type: the value may be a URL with a password. */
function readArguments(given: string | UsageOptions = {}): UsageOptions {
  if (typeof given === 'string') return { database: given }
  if (typeof given !== 'object' || given === null) throw wrongArgument(`something of type ${typeof given}`)
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (!NAMES.has(name)) throw wrongArgument(`an option ${quoteName(name)}`)
    if (value !== undefined && typeof value !== 'string')
      throw wrongArgument(`a ${name} of type ${typeof value}`)
  }
  return given
}

function wrongArgument(found: string): AnalyticsError {
  return new AnalyticsError(
    'ARGUMENT_INVALID',
    `openUsage() got ${found}. Pass a URL, { database: URL }, { dataDir: folder }, or nothing.`,
  )
}
