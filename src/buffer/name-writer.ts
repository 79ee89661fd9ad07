import type { KeyIdentity, Operation } from '../usage.ts'
import type { CounterHeader } from './counter-header.ts'
import { HEADER_BYTES, type FileIdentity } from './counter-layout.ts'
import type { CounterMemory } from './counter-memory.ts'
import { faultPoint } from './fault-point.ts'
import { cellRecord, keyRecord, operationRecord, slotRecord } from './name-records.ts'

/** Writes the records of the names region; each says false when the region is full. */
export class NameWriter {
  readonly #memory: CounterMemory
  readonly #bytes: Uint8Array
  readonly #header: CounterHeader
  readonly #regionBytes: number

  constructor(memory: CounterMemory, header: CounterHeader, { namesBytes }: FileIdentity) {
    this.#memory = memory
    this.#bytes = new Uint8Array(memory.buffer)
    this.#header = header
    this.#regionBytes = namesBytes
  }

  /** Bytes that are left. */
  get room(): number {
    return this.#regionBytes - this.#header.namesPublished
  }

  writeKey(number: number, key: KeyIdentity): boolean {
    return this.#publish(keyRecord(number, key))
  }

  writeOperation(number: number, operation: Operation): boolean {
    return this.#publish(operationRecord(number, operation))
  }

  writeCell(key: number, operation: number, status: number): boolean {
    return this.#publish(cellRecord(key, operation, status))
  }

  writeSlot(cell: number, bin: number): boolean {
    return this.#publish(slotRecord(cell, bin))
  }

  /** A record counts once the header's word says so: a torn one was never used. */
  #publish(record: Buffer): boolean {
    if (record.length > this.room) return false
    const published = this.#header.namesPublished
    this.#bytes.set(record, HEADER_BYTES + published)
    this.#memory.persist(HEADER_BYTES + published, record.length)
    faultPoint('names record written')
    this.#header.namesPublished = published + record.length
    faultPoint('names record published')
    return true
  }
}
