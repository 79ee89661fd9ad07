import { join, resolve } from 'node:path'

/** Where the database and the data folder are: the same answer for the app and the command line. */
export interface DatabaseLocation {
  /** URL: `sqlite:/abs/usage.db` or `postgresql://…`; may hold a password, so never print it. */
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
  return { database: given.database ?? (DATABASE_URL || `sqlite:${join(dataDir, 'usage.db')}`), dataDir }
}
