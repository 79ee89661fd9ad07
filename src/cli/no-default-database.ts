import { existsSync } from 'node:fs'
import { inspectDataDir } from '../buffer/folder/inspect-data-dir.ts'
import type { DatabaseLocation } from '../options/database-location.ts'
import { AnalyticsError } from '../model/errors.ts'
import { formatCount } from '../terminal/format-number.ts'

/**
 * Reports that there is no embedded file, and how to create it when an app died before its first flush. Only `migrate`
 * creates it: when the app uses another database that was not named here, counts would go to the wrong one.
 */
export async function noDefaultDatabase(
  { dataDir }: DatabaseLocation,
  envFile: string | undefined,
): Promise<AnalyticsError> {
  const waiting = await countWaiting(dataDir)
  const remedy =
    waiting > 0
      ? ` Requests in its counter files: ${formatCount(waiting)}. If the app has no other database, run "apikey-analytics migrate" and then "apikey-analytics flush", both with the same --data-dir.`
      : ''
  return new AnalyticsError(
    'DATABASE_NOT_FOUND',
    `No usage.db in ${dataDir}: pass --data-dir, or name the database of the app with --database, DATABASE_URL or --env-file.${describeEnvFile(envFile)}${remedy}`,
  )
}

/** Mentions a .env file in the working directory, because it is read only with --env-file. */
function describeEnvFile(envFile: string | undefined): string {
  if (envFile !== undefined) return ` ${envFile} sets no DATABASE_URL.`
  return existsSync('.env') ? ' There is a .env here: --env-file .env reads it.' : ''
}

async function countWaiting(dataDir: string): Promise<number> {
  try {
    const { waiting } = await inspectDataDir(dataDir)
    return waiting.reduce((sum, { requestCount }) => sum + requestCount, 0)
  } catch {
    // The command failed for another reason, so ignore an unreadable folder.
    return 0
  }
}
