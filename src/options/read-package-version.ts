import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cleanName } from '../model/clean-text.ts'

/** The version in the package.json of a folder; null where there is none. */
export function readPackageVersion(folder: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version?: unknown
    }
    return typeof version === 'string' ? cleanName(version) || null : null
  } catch {
    // the app was started in another folder, or has no package.json: then its release has no name
    return null
  }
}
