import { randomUUID } from 'node:crypto'
import type { CounterFiles } from './counter-buffer.ts'
import { CounterFile } from './file/counter-file.ts'
import { fileBytes, shapeFor, type FileIdentity } from './file/counter-layout.ts'
import { heapMemory } from './file/counter-memory.ts'

/** Counter files in memory only, for a database that is no safer. */
export class MemoryFiles implements CounterFiles {
  readonly #parts: Pick<FileIdentity, 'bucketMinutes' | 'units'>

  constructor(parts: Pick<FileIdentity, 'bucketMinutes' | 'units'>) {
    this.#parts = parts
  }

  open(slots: number, bucket: number): CounterFile {
    const identity = { ...shapeFor(slots), ...this.#parts, instance: randomUUID(), target: '' }
    return createInMemory(identity, bucket)
  }

  release(): void {}
}

/** A counter file without a file. */
export function createInMemory(identity: FileIdentity, bucket: number): CounterFile {
  return CounterFile.create(heapMemory(fileBytes(identity)), identity, bucket)
}
