import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { listDir } from './data-dir.ts'
import { faultPoint } from '../../model/fault-point.ts'

/** A lock on a process's folder. The kernel frees it when the process dies in any way. */
export interface FolderLock {
  /** Updates the path after the folder was renamed. */
  moveTo(folder: string): void
  release(): void
}

const LOCK_FILE = 'lock'

/**
 * Folders locked by this process, shared by every copy of this package in it: the kernel's locks belong to the
 * process, so a second copy would be let in and would free the lock when it closes the file.
 */
const LOCKED = Symbol.for('apikey-analytics.locked-folders')
const locked: Set<string> = ((globalThis as { [LOCKED]?: Set<string> })[LOCKED] ??= new Set())

/**
 * Locks a folder by an exclusive transaction on a tiny SQLite file in it, because Node has no flock.
 * @param create makes the lock file; otherwise it must exist
 * @returns undefined when a living process holds the lock
 */
export function lockFolder(folder: string, create: boolean): FolderLock | undefined {
  if (locked.has(folder)) return undefined
  const path = join(folder, LOCK_FILE)
  // SQLite itself would make it readable by all users.
  if (create) closeSync(openSync(path, 'wx', 0o600))
  const database = new Database(path, { fileMustExist: true, timeout: 0 })
  try {
    // No journal file beside the lock: nothing is ever written.
    database.pragma('journal_mode = memory')
    database.exec('begin exclusive')
  } catch (cause) {
    database.close()
    if ((cause as { code?: string }).code === 'SQLITE_BUSY') return undefined
    throw cause
  }
  let current = folder
  locked.add(current)
  return {
    moveTo(next) {
      locked.delete(current)
      locked.add(next)
      current = next
    },
    release() {
      locked.delete(current)
      database.close()
    },
  }
}

/** Removes a locked folder, its lock last: after a kill the rest can be taken over, or is empty. */
export function removeProcessFolder(folder: string): void {
  for (const name of listDir(folder)) {
    if (name !== LOCK_FILE) rmSync(join(folder, name), { recursive: true, force: true })
  }
  rmSync(join(folder, LOCK_FILE), { force: true })
  faultPoint('folder emptied')
  rmSync(folder, { recursive: true, force: true })
}
