import type { KeyIdentity } from '../../model/key.ts'
import type { Operation } from '../../model/operation.ts'
import type { CellList } from '../cells/cell-list.ts'
import type { CounterHeader } from './counter-header.ts'
import { HEADER_BYTES, type FileIdentity } from './counter-layout.ts'
import type { CounterMemory } from './counter-memory.ts'
import { faultPoint } from '../../model/fault-point.ts'
import {
  cellRecord,
  FIRST_UNIT_BIN,
  keyRecord,
  writeKeyNames,
  operationRecord,
  slotRecord,
} from './name-records.ts'
import type { FileNames } from './name-records.ts'
import type { SlotTable } from '../cells/slot-table.ts'

/**
 * Records of one key within one batch, and the part of the region for the records of all keys after their first one. An
 * app that changes names all the time would fill the file. Further changes are kept in memory, and are lost only when
 * the process is killed; the next bucket gets another file.
 */
const MOST_RENAMINGS = 8
const MOST_OF_REGION = 1 / 4

/** The names of an instance, each written to the file once. */
export class NamesRegion implements FileNames {
  readonly keys: FileNames['keys']
  readonly renamings: FileNames['renamings']
  readonly operations: Map<number, Operation>
  readonly cells: CellList
  readonly slots: SlotTable
  readonly unitSlots: FileNames['unitSlots']
  readonly #memory: CounterMemory
  readonly #bytes: Uint8Array
  readonly #header: CounterHeader
  readonly #identity: FileIdentity
  #renamingBytes = 0
  #areRenamingsFull = false

  constructor(memory: CounterMemory, header: CounterHeader, identity: FileIdentity, names: FileNames) {
    this.keys = names.keys
    this.renamings = names.renamings
    this.operations = names.operations
    this.cells = names.cells
    this.slots = names.slots
    this.unitSlots = names.unitSlots
    this.#memory = memory
    this.#bytes = new Uint8Array(memory.buffer)
    this.#header = header
    this.#identity = identity
  }

  /** Sets name and owner of a key; a missing one stays as it was. @returns false when the file is full */
  addKey(number: number, key: KeyIdentity): boolean {
    const known = this.keys.get(number)
    const name = key.name ?? known?.name ?? null
    const owner = key.owner ?? known?.owner ?? null
    if (known && name === known.name && owner === known.owner) return true
    const { sequence } = this.#header.areas[this.#header.openArea]
    const named = { ...key, name, owner }
    const isPublished = known
      ? this.#publishRenaming(number, named, sequence)
      : this.#publish(keyRecord(number, named, sequence))
    if (isPublished) writeKeyNames(this, number, named, sequence)
    return isPublished
  }

  /** @returns false when the file is full */
  addOperation(number: number, { method, endpoint }: Operation): boolean {
    if (this.operations.has(number)) return true
    const isAdded = this.#publish(operationRecord(number, { method, endpoint }))
    if (isAdded) this.operations.set(number, { method, endpoint })
    return isAdded
  }

  /** Gives a cell of a named key and operation its number. @returns -1 when the file is full */
  addCell(key: number, operation: number, status: number): number {
    if (!this.#hasSlots || !this.#publish(cellRecord(key, operation, status))) return -1
    return this.cells.add(key, operation, status)
  }

  /** The slot of a cell for a bin. @returns -1 when it needs one and the file is full */
  findOrAddSlot(cell: number, bin: number): number {
    const slot = this.slots.find(cell, bin)
    if (slot >= 0) return slot
    return this.#hasSlots && this.#publish(slotRecord(cell, bin)) ? this.slots.add(cell, bin) : -1
  }

  /** The slot of a cell for a unit. @returns -1 when it needs one and the file is full */
  findOrAddUnitSlot(cell: number, unit: number): number {
    const known = this.slots.count
    const slot = this.findOrAddSlot(cell, FIRST_UNIT_BIN + unit)
    if (slot === known) this.unitSlots[unit]!.push(slot)
    return slot
  }

  /** Forgets all names, as when the file is free. */
  clear(): void {
    this.keys.clear()
    this.renamings.clear()
    this.operations.clear()
    this.cells.clear()
    this.slots.clear()
    for (const slots of this.unitSlots) slots.length = 0
    this.#renamingBytes = 0
    this.#areRenamingsFull = false
  }

  /** @returns false when the file is full; true also for a renaming past the limits, which has no record */
  #publishRenaming(number: number, key: KeyIdentity, sequence: number): boolean {
    const last = this.renamings.get(number)
    if (last && last.sequence === sequence && last.count >= MOST_RENAMINGS) return true
    const record = keyRecord(number, key, sequence)
    if (this.#renamingBytes + record.length > this.#identity.namesBytes * MOST_OF_REGION) {
      this.#areRenamingsFull = true
      return true
    }
    this.#renamingBytes += record.length
    return this.#publish(record)
  }

  /** Whether names changed so often that a change is in memory only. */
  get areRenamingsFull(): boolean {
    return this.#areRenamingsFull
  }

  /** Whether its slots or its names use most of the room: a file may also be full because a sum has become too large. */
  get isHalfUsed(): boolean {
    const { slots, namesBytes } = this.#identity
    return this.slots.count * 2 > slots || this.#header.namesPublished * 2 > namesBytes
  }

  get #hasSlots(): boolean {
    return this.slots.count < this.#identity.slots
  }

  /** A record is valid once the header's word includes it, so a torn record is never read. */
  #publish(record: Buffer): boolean {
    const published = this.#header.namesPublished
    const end = published + record.length
    if (end > this.#identity.namesBytes) return false
    this.#bytes.set(record, HEADER_BYTES + published)
    this.#memory.persist(HEADER_BYTES + published, record.length)
    faultPoint('names record written')
    this.#header.namesPublished = end
    faultPoint('names record published')
    return true
  }
}
