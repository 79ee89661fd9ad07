import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BatchUnits } from '../../model/batch.ts'
import { CounterFile } from '../file/counter-file.ts'
import { heapMemory, type CounterMemory } from '../file/counter-memory.ts'
import { countersDir, listDir, setAsideDir } from './data-dir.ts'
import { listCounterFiles, listProcessFolders } from './recovery.ts'
import type { SealedBatch } from '../file/sealed-batch.ts'

/** A batch that waits in a counter file of this machine. */
export interface WaitingBatch {
  readonly instance: string
  readonly sequence: number
  /** Requests that the instance counted before this batch. */
  readonly countedBefore: number
  /** Start of its bucket. */
  readonly bucket: Date
  readonly requestCount: number
  /** Its quantities; absent when its app declared no units. */
  readonly units?: BatchUnits | undefined
  /** The database that its requests were counted for, see `targetOf`. */
  readonly target: string
  /** The database it was tried on, if it was. */
  readonly databaseId: string | undefined
}

/** What a data folder holds beside the database. */
export interface DataDirContent {
  /** Batches in counter files, the open ones of running processes included. The database may have some by now. */
  readonly waiting: readonly WaitingBatch[]
  /** Paths of files and batches that could not be delivered. */
  readonly setAside: readonly string[]
  /** Counter files that cannot be read, with the reason. */
  readonly unreadable: readonly string[]
}

/** Reads the counter files of a data folder without changing them. A folder that does not exist is empty. */
export async function inspectDataDir(dataDir: string): Promise<DataDirContent> {
  const waiting: SealedBatch[] = []
  const unreadable: string[] = []
  const folders = listProcessFolders(dataDir).map((name) => join(countersDir(dataDir), name))
  for (const path of folders.flatMap(listCounterFiles)) {
    const file = await readCounterFile(path)
    if (typeof file === 'string') unreadable.push(`${path}: ${file}`)
    else if (file && !file.isFree) waiting.push(...file.sealedBatches())
    if (typeof file === 'object' && file.problem) unreadable.push(`${path}: ${file.problem}`)
  }
  const setAside = listDir(setAsideDir(dataDir)).map((name) => join(setAsideDir(dataDir), name))
  return { waiting: waiting.map(describeBatch), setAside, unreadable }
}

async function readCounterFile(path: string): Promise<CounterFile | string | undefined> {
  try {
    return await CounterFile.read(copyOf(await readFile(path)), (await stat(path)).mtimeMs)
  } catch (error) {
    // Delivered and removed during this call.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return (error as Error).message
  }
}

function copyOf(bytes: Uint8Array): CounterMemory {
  const memory = heapMemory(bytes.length)
  new Uint8Array(memory.buffer).set(bytes)
  return memory
}

function describeBatch(batch: SealedBatch): WaitingBatch {
  const { instance, sequence, countedBefore, requestCount, units, target, databaseId } = batch
  const bucket = new Date(batch.bucket)
  return { instance, sequence, countedBefore, bucket, requestCount, units, target, databaseId }
}
