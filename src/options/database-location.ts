import { join, resolve } from 'node:path'

/** A database in the memory of the app that counts: for tests. */
export const MEMORY_DATABASE = ':memory:'

/** Whether a URL names an SQLite database in memory, in any of SQLite's forms. */
function isMemoryDatabase(url: string): boolean {
  return /^(sqlite:(\/\/)?)?:memory:$/.test(url)
}

/** The location of the database and the data folder, found in the same way for the app and the command line. */
export interface DatabaseLocation {
  /** URL: `sqlite:/abs/usage.db`, `postgresql://…` or `:memory:`; may hold a password, so never print it. */
  readonly database: string
  /** Absolute path of the folder with the counter files and the embedded database. */
  readonly dataDir: string
}

/**
 * Finds both. `database`: as given, else `DATABASE_URL`, else `sqlite:<dataDir>/usage.db`. `dataDir`: as given, else
 * `APIKEY_ANALYTICS_DIR`, else `.apikey-analytics` in the working directory. An empty variable counts as not set.
 */
export function locateDatabase(
  given: { readonly database?: string | undefined; readonly dataDir?: string | undefined },
  environment: Readonly<Record<string, string | undefined>> = process.env,
  workingDirectory = process.cwd(),
): DatabaseLocation {
  const { DATABASE_URL, APIKEY_ANALYTICS_DIR } = environment
  const dataDir = resolve(workingDirectory, given.dataDir ?? (APIKEY_ANALYTICS_DIR || '.apikey-analytics'))
  const database = given.database ?? (DATABASE_URL || `sqlite:${join(dataDir, 'usage.db')}`)
  return { database: isMemoryDatabase(database) ? MEMORY_DATABASE : database, dataDir }
}
