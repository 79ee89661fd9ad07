import { mkdirSync, readdirSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { explainRefusal } from '../../model/errors.ts'

/** Folder of the process folders with their counter files. */
export const countersDir = (dataDir: string): string => join(dataDir, 'counters')
/** Folder of files and batches that could not be delivered and wait for a person. */
export const setAsideDir = (dataDir: string): string => join(dataDir, 'set-aside')
/** Extension of a counter file. */
export const COUNTER_FILE = '.counts'
/** Marks a process folder (as a prefix) or a counter file (as a suffix) that is still being made. */
export const UNFINISHED = '.new-'

/** Makes a folder in the data folder, both readable by their owner only and ignored by git. */
export function makePrivateDir(dataDir: string, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    writeFileSync(join(dataDir, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Whether there is a data folder. The app makes it when it starts. @throws DATA_DIR_UNREADABLE */
export function hasDataDir(dataDir: string): boolean {
  try {
    return statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() ?? false
  } catch (error) {
    throw explainRefusal(error, dataDir, 'DATA_DIR_UNREADABLE')
  }
}

/** Names in a folder; empty when the folder does not exist. @throws DATA_DIR_UNREADABLE when another user owns it */
export function listDir(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw explainRefusal(error, folder, 'DATA_DIR_UNREADABLE')
  }
}

/** Types of `statfs` whose pages do not reliably reach the server when a process dies: NFS, SMB, 9p, FUSE. */
const REMOTE = [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x517b, 0x0102_1997, 0x6573_5546]
/** Copy-on-write: a store into a page needs a new block, and kills the process when there is none: btrfs, ZFS, bcachefs. */
const COPY_ON_WRITE = [0x9123_683e, 0x2fc1_2fc1, 0xca45_1a4e]
const UNMAPPABLE = new Set([...REMOTE, ...COPY_ON_WRITE])

/** Whether files of this folder should be mapped into memory. */
export function isMappable(folder: string): boolean {
  return !UNMAPPABLE.has(statfsSync(folder).type)
}
