import { AnalyticsError } from '../model/errors.ts'

/**
 * The oldest Node this package runs on; with an older one better-sqlite3 crashes with a segmentation fault.
 * @throws NODE_TOO_OLD
 */
export function requireNode(version = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return
  throw new AnalyticsError(
    'NODE_TOO_OLD',
    `apikey-analytics needs Node 22.18 or newer; this is ${version}. Install a newer Node.`,
  )
}
