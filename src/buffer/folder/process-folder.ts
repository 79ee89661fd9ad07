import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { AnalyticsError } from '../../model/errors.ts'
import type { BucketMinutes } from '../../model/batch.ts'
import type { CounterFiles } from '../counter-buffer.ts'
import { CounterFile } from '../file/counter-file.ts'
import { fileBytes, shapeFor } from '../file/counter-layout.ts'
import { mappedMemory, writtenMemory, type CounterMemory } from '../file/counter-memory.ts'
import { COUNTER_FILE, countersDir, isMappable, makePrivateDir, UNFINISHED } from './data-dir.ts'
import { faultPoint } from '../../model/fault-point.ts'
import { lockFolder, removeProcessFolder, type FolderLock } from './folder-lock.ts'
import { createInMemory } from '../memory-files.ts'

export interface ProcessFolderParts {
  readonly dataDir: string
  readonly bucketMinutes: BucketMinutes
  /** The database that the counts are meant for, see `targetOf`. */
  readonly target: string
  /** The units of the app. */
  readonly units: readonly string[]
  /** False: write every count instead of mapping the file. */
  readonly mapped: boolean
  readonly report: (error: AnalyticsError) => void
}

/** The folder of one process, locked as long as the process lives, and the counter files in it. */
export class ProcessFolder implements CounterFiles {
  readonly #parts: ProcessFolderParts
  readonly #paths = new Map<CounterFile, string>()
  #folder: string | undefined
  #lock: FolderLock | undefined
  #free: CounterFile[] = []
  #files = 0

  constructor(parts: ProcessFolderParts) {
    this.#parts = parts
  }

  open(slots: number, bucket: number): CounterFile {
    const { bucketMinutes, target, units } = this.#parts
    const identity = { ...shapeFor(slots), bucketMinutes, instance: randomUUID(), target, units }
    const reused = this.#takeFree(slots)
    if (reused) {
      const file = reused.reuse({ ...identity, ...shapeFor(reused.identity.slots) }, bucket)
      this.#keepPath(file, reused)
      return file
    }
    try {
      const path = this.#nextPath()
      const unfinished = path + UNFINISHED
      const file = CounterFile.create(this.#makeFile(unfinished, fileBytes(identity)), identity, bucket)
      // Renamed only now: a process killed earlier leaves nothing that looks like a damaged file.
      renameSync(unfinished, path)
      this.#paths.set(file, path)
      return file
    } catch (cause) {
      this.#reportUnwritable(cause)
      return createInMemory(identity, bucket)
    }
  }

  release(file: CounterFile): void {
    file.free()
    // A file in memory, or one that was deleted, is not reused: the next one should survive crashes again.
    if (file.mode === 'memory' || this.isDeleted(file)) this.#discard(file)
    else this.#free.push(file)
  }

  /** Bytes on disk of the files that this process uses or keeps for use. */
  get bytes(): number {
    return [...this.#paths.keys()].reduce((sum, file) => sum + fileBytes(file.identity), 0)
  }

  /** Whether a file was deleted under the running process. */
  isDeleted(file: CounterFile): boolean {
    const path = this.#paths.get(file)
    return path !== undefined && !existsSync(path)
  }

  /** Forgets a folder that was deleted: the next file gets a new one. */
  abandon(): void {
    this.#lock?.release()
    this.#lock = undefined
    this.#folder = undefined
    this.#free = []
  }

  /** Removes the folder; only right when everything in it is delivered and no more counts come. */
  remove(): void {
    if (this.#folder) removeProcessFolder(this.#folder)
  }

  #takeFree(slots: number): CounterFile | undefined {
    const index = this.#free.findIndex((file) => file.identity.slots >= slots)
    const [file] = index < 0 ? [] : this.#free.splice(index, 1)
    // Smaller ones will not be needed again: the number of slots only grows.
    for (const small of this.#free.filter((other) => other.identity.slots < slots)) this.#discard(small)
    return file
  }

  #discard(file: CounterFile): void {
    const path = this.#paths.get(file)
    if (path) rmSync(path, { force: true })
    this.#paths.delete(file)
    this.#free = this.#free.filter((other) => other !== file)
  }

  #keepPath(file: CounterFile, before: CounterFile): void {
    const path = this.#paths.get(before)
    this.#paths.delete(before)
    if (path) this.#paths.set(file, path)
  }

  #nextPath(): string {
    if (this.#folder && !existsSync(this.#folder)) this.abandon()
    this.#folder ??= this.#makeFolder()
    this.#files += 1
    return join(this.#folder, `${this.#files}${COUNTER_FILE}`)
  }

  /** The folder gets its name only after it is locked, so no process ever finds it unlocked. */
  #makeFolder(): string {
    const parent = countersDir(this.#parts.dataDir)
    const name = randomUUID()
    const unfinished = join(parent, UNFINISHED + name)
    makePrivateDir(this.#parts.dataDir, unfinished)
    faultPoint('folder made')
    const lock = lockFolder(unfinished, true)
    if (!lock) throw new Error(`Another process locked the new folder ${unfinished}.`)
    faultPoint('folder locked')
    const folder = join(parent, name)
    renameSync(unfinished, folder)
    lock.moveTo(folder)
    this.#lock = lock
    faultPoint('folder renamed')
    return folder
  }

  #makeFile(path: string, bytes: number): CounterMemory {
    const fd = openSync(path, 'wx+', 0o600)
    try {
      fillWithZeros(fd, bytes)
      faultPoint('file filled')
    } catch (cause) {
      closeSync(fd)
      unlinkSync(path)
      throw cause
    }
    const mapped = this.#parts.mapped && isMappable(path) ? mappedMemory(fd) : undefined
    if (!mapped) return writtenMemory(fd, new Uint8Array(bytes), (cause) => this.#reportUnwritable(cause))
    // The mapping holds the file by itself.
    closeSync(fd)
    return mapped
  }

  #reportUnwritable(cause: unknown): void {
    const { dataDir, report } = this.#parts
    const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : 'unknown'
    const error = new AnalyticsError(
      'DATA_DIR_UNWRITABLE',
      `Cannot write counter files in ${dataDir} (${why}). Counts are kept in memory only and would be lost if this process died. Make room, or make the folder writable, or set dataDir.`,
      { cause },
    )
    // later: `onError` of the app may count something, and a file is half changed here
    queueMicrotask(() => report(error))
  }
}

const ZEROS = new Uint8Array(1024 * 1024)

/**
 * Real zeros, not a hole: a full disk is an error now, and not a SIGBUS at some later count. They reserve nothing where
 * each write takes a new block, see `isMappable`.
 */
function fillWithZeros(fd: number, bytes: number): void {
  let written = 0
  while (written < bytes) written += writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, bytes - written))
}
