import type { Usage, UsageOptions } from './model/usage.ts'

/**
 * Opens an existing, migrated database for reading: `{ database, dataDir }` or a URL. Default: the same as for the app
 * (`DATABASE_URL`, else the embedded file).
 * @throws ARGUMENT_INVALID, OPTION_INVALID, DATABASE_NOT_FOUND, DATABASE_UNREACHABLE, DATABASE_REFUSED,
 * DATABASE_NOT_MIGRATED, DATABASE_TOO_NEW
 */
export async function openUsage(given?: string | UsageOptions): Promise<Usage> {
  // Imported only now: an app that only counts needs no driver in its own thread.
  const { openReadSide } = await import('./open-read-side.ts')
  return openReadSide(given)
}
