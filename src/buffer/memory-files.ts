import { randomUUID } from 'node:crypto'
import type { BucketMinutes } from '../model/batch.ts'
import type { CounterFiles } from './counter-buffer.ts'
import { CounterFile } from './file/counter-file.ts'
import { fileBytes, shapeFor, type FileIdentity } from './file/counter-layout.ts'
import { heapMemory } from './file/counter-memory.ts'

/** Counter files in memory only, for a database that is no safer. */
export class MemoryFiles implements CounterFiles {
  readonly #bucketMinutes: BucketMinutes

  constructor(bucketMinutes: BucketMinutes) {
    this.#bucketMinutes = bucketMinutes
  }

  open(slots: number, bucket: number): CounterFile {
    const bucketMinutes = this.#bucketMinutes
    return createInMemory({ ...shapeFor(slots), bucketMinutes, instance: randomUUID(), target: '' }, bucket)
  }

  release(): void {}
}

/** A counter file without a file. */
export function createInMemory(identity: FileIdentity, bucket: number): CounterFile {
  return CounterFile.create(heapMemory(fileBytes(identity)), identity, bucket)
}
