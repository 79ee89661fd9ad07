import type { CounterHeader } from './counter-header.ts'
import { HEADER_BYTES, type FileIdentity } from './counter-layout.ts'
import type { CounterMemory } from './counter-memory.ts'
import { faultPoint } from './fault-point.ts'
import { cellRecord, keyRecord, slotRecord, type CellName } from './name-records.ts'

/** Writes the records of the names region, each once in an instance's life. */
export class NameWriter {
  readonly #memory: CounterMemory
  readonly #bytes: Uint8Array
  readonly #header: CounterHeader
  readonly #regionBytes: number
  readonly #keyNumbers = new Map<string, number>()

  constructor(memory: CounterMemory, header: CounterHeader, { namesBytes }: FileIdentity) {
    this.#memory = memory
    this.#bytes = new Uint8Array(memory.buffer)
    this.#header = header
    this.#regionBytes = namesBytes
  }

  /** @returns false when the region is full */
  writeCell(cell: CellName): boolean {
    const known = this.#keyNumbers.get(cell.key.id)
    const keyNumber = known ?? this.#keyNumbers.size
    if (known === undefined && !this.#publish(keyRecord(cell.key))) return false
    this.#keyNumbers.set(cell.key.id, keyNumber)
    return this.#publish(cellRecord(keyNumber, cell))
  }

  /** @returns false when the region is full */
  writeSlot(cell: number, bin: number): boolean {
    return this.#publish(slotRecord(cell, bin))
  }

  /** Forgets which keys have a record, as when the file is free. */
  clear(): void {
    this.#keyNumbers.clear()
  }

  /** A record counts once the header's word says so: a torn one was never used. */
  #publish(record: Buffer): boolean {
    const published = this.#header.namesPublished
    const end = published + record.length
    if (end > this.#regionBytes) return false
    this.#bytes.set(record, HEADER_BYTES + published)
    this.#memory.persist(HEADER_BYTES + published, record.length)
    faultPoint('names record written')
    this.#header.namesPublished = end
    faultPoint('names record published')
    return true
  }
}
