import { hash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'

/** The name in messages of the database that an app uses by default. */
const DEFAULT_FILE = 'the default SQLite file usage.db in the data folder'
const SQLITE = 'SQLite '
const INSIDE = ' in the data folder'
/** UTF-16 units: at most 2000 bytes, which fit into the header of a counter file. */
const MOST_CHARACTERS = 600

/**
 * The database that a counter file is meant for: the same text for every form of its URL, and never a secret. A file in
 * the data folder is named relative to it, because that folder may be moved or mounted somewhere else.
 * @param databaseLabel the database as `describeDatabaseUrl` names it
 */
export function targetOf(databaseLabel: string, dataDir: string): string {
  const target = databaseLabel.startsWith(SQLITE)
    ? nameFile(databaseLabel.slice(SQLITE.length), dataDir)
    : nameServer(databaseLabel)
  if (target.length <= MOST_CHARACTERS) return target
  return `${target.slice(0, MOST_CHARACTERS)}… (${hash('sha256', target)})`
}

/** The path of the SQLite file that a target names; undefined for a server. */
export function fileOfTarget(target: string, dataDir: string): string | undefined {
  if (target === DEFAULT_FILE) return join(dataDir, 'usage.db')
  if (!target.startsWith(SQLITE)) return undefined
  const name = target.slice(SQLITE.length)
  return isAbsolute(name) ? name : join(dataDir, name.slice(0, -INSIDE.length))
}

function nameServer(databaseLabel: string): string {
  return databaseLabel.replace(/ at (127\.0\.0\.1|\[::1\]|::1):(?=\d+)/, ' at localhost:')
}

function nameFile(file: string, dataDir: string): string {
  const path = realPath(file)
  const inside = relative(realPath(dataDir), path)
  if (inside === 'usage.db') return DEFAULT_FILE
  return inside.startsWith(`..${sep}`) ? SQLITE + path : SQLITE + inside + INSIDE
}

/** Resolves symbolic links, also when the last parts of the path do not exist yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPath(parent), basename(path))
  }
}
