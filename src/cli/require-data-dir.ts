import { hasDataDir } from '../buffer/folder/data-dir.ts'
import { AnalyticsError } from '../model/errors.ts'

/** Requires that the data folder is there. An empty one would pass for one without counts. @throws WRONG_USAGE */
export function requireDataDir(dataDir: string, remedy: string): void {
  if (hasDataDir(dataDir)) return
  throw new AnalyticsError('WRONG_USAGE', `There is no data folder ${dataDir}. ${remedy}`)
}
