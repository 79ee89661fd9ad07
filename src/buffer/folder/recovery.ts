import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AnalyticsError } from '../../model/errors.ts'
import { CounterFile } from '../file/counter-file.ts'
import { isNewerLayout } from '../file/counter-layout.ts'
import { writtenMemory } from '../file/counter-memory.ts'
import { COUNTER_FILE, countersDir, listDir, setAsideDir, UNFINISHED } from './data-dir.ts'
import { faultPoint } from '../../model/fault-point.ts'
import { lockFolder, removeProcessFolder } from './folder-lock.ts'
import { createPause } from '../pause.ts'

/** A folder that never got its name after this long belongs to a process that died while it made it. */
const UNFINISHED_FOR_MS = 60_000

export interface RecoveryParts {
  readonly dataDir: string
  /** Delivers all batches of a file. @returns false when some must stay where they are */
  readonly deliver: (file: CounterFile, path: string) => Promise<boolean>
  readonly report: (error: AnalyticsError) => void
  /** Epoch milliseconds. */
  readonly now: () => number
  /** The folder to begin with, as given by the turn before. Default: the first. */
  readonly from?: string | undefined
  /** Called after each folder: whether there is time for another one. Default: always. */
  readonly hasTime?: () => boolean
}

/**
 * Delivers and removes what dead processes left in the data folder. A folder whose lock is held is never touched: its
 * owner lives, or another process recovers it right now.
 * @returns the folder to continue with when the time was over; undefined when all were checked
 */
export async function recoverCounts(parts: RecoveryParts): Promise<string | undefined> {
  const { from = '', hasTime = () => true } = parts
  const pause = createPause(1)
  const names = listProcessFolders(parts.dataDir).filter((name) => name >= from)
  for (const [index, name] of names.toSorted().entries()) {
    if (index > 0 && !hasTime()) return name
    await pause()
    const folder = join(countersDir(parts.dataDir), name)
    try {
      await recoverFolder(folder, parts)
    } catch (cause) {
      // The database does not answer: the other folders must wait too.
      if (cause instanceof AnalyticsError && cause.code !== 'DATA_DIR_UNREADABLE') throw cause
      parts.report(unreadableFolder(folder, cause))
    }
  }
  return undefined
}

/** Names of the folders in the data folder that belong to processes, dead or alive. */
export function listProcessFolders(dataDir: string): string[] {
  return listDir(countersDir(dataDir))
}

/** Paths of the counter files of a process, oldest first. */
export function listCounterFiles(folder: string): string[] {
  return listDir(folder)
    .filter((name) => name.endsWith(COUNTER_FILE))
    .sort((a, b) => parseInt(a, 10) - parseInt(b, 10))
    .map((name) => join(folder, name))
}

async function recoverFolder(folder: string, parts: RecoveryParts): Promise<void> {
  if (basename(folder).startsWith(UNFINISHED) && isRecent(folder, parts.now())) return
  const lock = takeOver(folder)
  if (!lock) return
  faultPoint('folder taken over')
  try {
    let clean = true
    for (const path of listCounterFiles(folder)) {
      const done = await recoverFile(path, parts)
      clean &&= done
    }
    if (clean) removeProcessFolder(folder)
  } finally {
    lock.release()
  }
}

function isRecent(folder: string, now: number): boolean {
  // When it is gone, it was renamed to its final name.
  const madeAt = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? now
  return now - madeAt < UNFINISHED_FOR_MS
}

function takeOver(folder: string): ReturnType<typeof lockFolder> {
  try {
    return lockFolder(folder, false)
  } catch {
    // Without a lock file it is not a process folder, or it is the empty rest of one, or another process just removed it.
    removeEmpty(folder)
    return undefined
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Not empty, or gone.
  }
}

function unreadableFolder(folder: string, cause: unknown): AnalyticsError {
  const { code: why = 'unknown' } = (cause instanceof AnalyticsError ? cause.cause : cause) as {
    code?: string
  }
  return new AnalyticsError(
    'COUNTER_FILE_INVALID',
    `Cannot recover the counts in ${folder} (${why}). They stay there and are tried again. Check its owner and mode.`,
    { cause },
  )
}

/** @returns true when the file is gone, because it was delivered or set aside */
async function recoverFile(path: string, parts: RecoveryParts): Promise<boolean> {
  const fd = openSync(path, 'r+')
  try {
    const memory = writtenMemory(fd, new Uint8Array(await readFile(path)), (cause) => {
      throw cause
    })
    if (isNewerLayout(memory.buffer)) {
      parts.report(newerFile(path))
      return false
    }
    const file = await CounterFile.read(memory, fstatSync(fd).mtimeMs)
    if (typeof file === 'string') return setAside(path, file, 'Nothing was delivered', parts)
    const problem = file?.repair()
    if (file && !file.isFree && !(await parts.deliver(file, path))) return false
    faultPoint('dead file delivered')
    if (problem !== undefined) return setAside(path, problem, 'What could be read was delivered', parts)
    unlinkSync(path)
    faultPoint('dead file removed')
    return true
  } finally {
    closeSync(fd)
  }
}

/** A rollback, or a process of before an upgrade that still runs. */
function newerFile(path: string): AnalyticsError {
  return new AnalyticsError(
    'COUNTER_FILE_INVALID',
    `The counter file ${path} was made by a newer version of apikey-analytics. It stays where it is: a process of that version delivers it, or its "apikey-analytics flush".`,
  )
}

function setAside(
  path: string,
  problem: string,
  outcome: string,
  { dataDir, report, now }: RecoveryParts,
): true {
  mkdirSync(setAsideDir(dataDir), { recursive: true, mode: 0o700 })
  const kept = join(setAsideDir(dataDir), `${now()}-${path.split(/[\\/]/).slice(-2).join('-')}`)
  renameSync(path, kept)
  report(
    new AnalyticsError(
      'COUNTER_FILE_INVALID',
      `Cannot read all of the counter file ${path}: ${problem}. ${outcome}; the file was kept as ${kept}.`,
    ),
  )
  return true
}
