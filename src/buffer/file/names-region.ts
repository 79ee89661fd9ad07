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
 * Records of one key within one batch. An app that changes the name with each request would fill the file. Further
 * changes are kept in memory, and are lost only when the process is killed.
 */
const MOST_RENAMINGS = 8

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
    if (!this.#isRenamedTooOften(number, sequence) && !this.#publish(keyRecord(number, named, sequence)))
      return false
    writeKeyNames(this, number, named, sequence)
    return true
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
  }

  #isRenamedTooOften(number: number, sequence: number): boolean {
    const renaming = this.renamings.get(number)
    return renaming !== undefined && renaming.sequence === sequence && renaming.count >= MOST_RENAMINGS
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
