/**
 * The records of the names region. Keys and operations: u32 length, u32 CRC-32 of the text, JSON text that begins with
 * their number. A later record of a key gives it other names, from the batch on whose sequence is its last field. Cells:
 * u32 2^30 + status, int32 key, int32 operation, u32 CRC-32 of these. Slots: u32 2^31 + cell x 128 + bin, u32 CRC-32 of
 * it. Cells and slots are numbered by the position of their record.
 */
import { crc32 } from 'node:zlib'
import { BIN_COUNT } from '../../model/duration-bins.ts'
import { MOST_UNITS } from '../../model/unit.ts'
import type { KeyIdentity } from '../../model/key.ts'
import type { Operation } from '../../model/operation.ts'
import { CellList } from '../cells/cell-list.ts'
import { createPause } from '../pause.ts'
import { SlotTable } from '../cells/slot-table.ts'

const RECORD_HEADER_BYTES = 8
/** Distinguish the first word of a cell's record from a length, and that of a slot's from both. */
const CELL_MARK = 2 ** 30
const SLOT_MARK = 2 ** 31
const CELL_BYTES = 16
const SLOT_RECORD_BYTES = 8
/** A power of two above the last bin; it leaves numbers for 16 million cells, which no heap has room for. */
const BINS_PER_CELL = 128
/** The slots of units have the last bins, which no duration has. */
export const FIRST_UNIT_BIN = BINS_PER_CELL - MOST_UNITS

function encodeRecord(value: readonly unknown[]): Buffer {
  const text = JSON.stringify(value)
  const length = Buffer.byteLength(text)
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + length)
  record.write(text, RECORD_HEADER_BYTES)
  record.writeUInt32LE(length, 0)
  record.writeUInt32LE(crc32(record.subarray(RECORD_HEADER_BYTES)), 4)
  return record
}

export const keyRecord = (number: number, key: KeyIdentity, sequence: number): Buffer =>
  encodeRecord([number, key.id, key.label, key.name, key.owner, sequence])

export const operationRecord = (number: number, { method, endpoint }: Operation): Buffer =>
  encodeRecord([number, method, endpoint])

const cellWords = Buffer.alloc(CELL_BYTES)
const summedCellWords = cellWords.subarray(0, -4)

/** Valid until the next call. */
export function cellRecord(key: number, operation: number, status: number): Buffer {
  cellWords.writeUInt32LE(CELL_MARK + status, 0)
  cellWords.writeInt32LE(key, 4)
  cellWords.writeInt32LE(operation, 8)
  cellWords.writeUInt32LE(crc32(summedCellWords), 12)
  return cellWords
}

const slotWords = Buffer.alloc(SLOT_RECORD_BYTES)
const summedSlotWords = slotWords.subarray(0, -4)

/** `cell`: how many cell records came before its own. Valid until the next call. */
export function slotRecord(cell: number, bin: number): Buffer {
  slotWords.writeUInt32LE(SLOT_MARK + cell * BINS_PER_CELL + bin, 0)
  slotWords.writeUInt32LE(crc32(summedSlotWords), 4)
  return slotWords
}

/** What the names region says. */
export interface FileNames {
  /** By their numbers, as they were named last. */
  readonly keys: Map<number, KeyIdentity>
  /** Of keys that were named more than once, by their numbers. */
  readonly renamings: Map<number, Renaming>
  readonly operations: Map<number, Operation>
  /** The requests of one key to one operation with one status are a cell. */
  readonly cells: CellList
  /** The slots of each cell. */
  readonly slots: SlotTable
  /** The slots of each unit, by its place. */
  readonly unitSlots: number[][]
}

/** An earlier name and owner of a key. */
interface Renaming {
  /** The first batch with the new ones. At most one batch of the file is older. */
  readonly sequence: number
  readonly before: KeyIdentity
  /** How often they changed within that batch. */
  readonly count: number
}

/** Sets name and owner of a key from a batch on; the batch before keeps the earlier ones. */
export function writeKeyNames(
  { keys, renamings }: FileNames,
  number: number,
  key: KeyIdentity,
  sequence: number,
): void {
  const known = keys.get(number)
  const last = renamings.get(number)
  if (known && last?.sequence === sequence) renamings.set(number, { ...last, count: last.count + 1 })
  else if (known) renamings.set(number, { sequence, before: known, count: 1 })
  keys.set(number, key)
}

/** The key with a number as a batch has it. */
export function keyIn({ keys, renamings }: FileNames, number: number, sequence: number): KeyIdentity {
  const renaming = renamings.get(number)
  return renaming && sequence < renaming.sequence ? renaming.before : keys.get(number)!
}

export function noNames(units: readonly string[]): FileNames {
  return {
    keys: new Map(),
    renamings: new Map(),
    operations: new Map(),
    cells: new CellList(),
    slots: new SlotTable(),
    unitSlots: units.map(() => []),
  }
}

export interface DecodedNames extends FileNames {
  /** What stopped the reading early, if anything did. */
  readonly problem: string | undefined
}

/** Reads the published records; stops at the first damaged one, because all after it may depend on it. */
export async function decodeNames(region: Buffer, units: readonly string[]): Promise<DecodedNames> {
  const pause = createPause()
  const names = noNames(units)
  const { keys, operations, cells, slots } = names
  let offset = 0
  while (offset < region.length) {
    const end = readRecord()
    if (end === undefined) return { ...names, problem: `its name record at byte ${offset} is damaged` }
    offset = end
    const paused = pause()
    if (paused) await paused
  }
  return { ...names, problem: undefined }

  /** @returns where the record ends, or nothing when it is damaged */
  function readRecord(): number | undefined {
    const word = offset + RECORD_HEADER_BYTES <= region.length ? region.readUInt32LE(offset) : 0
    if (word >= SLOT_MARK) return readSlot(word - SLOT_MARK)
    return word >= CELL_MARK ? readCell(word - CELL_MARK) : readText(word)
  }

  function readSlot(number: number): number | undefined {
    const cell = Math.floor(number / BINS_PER_CELL)
    const bin = number % BINS_PER_CELL
    const end = checkSum(SLOT_RECORD_BYTES)
    const ofUnit = names.unitSlots[bin - FIRST_UNIT_BIN]
    if (end === undefined || cell >= cells.length || (bin >= BIN_COUNT && !ofUnit)) return undefined
    const slot = slots.add(cell, bin)
    ofUnit?.push(slot)
    return end
  }

  function readCell(status: number): number | undefined {
    const end = checkSum(CELL_BYTES)
    if (end === undefined) return undefined
    const [key, operation] = [region.readInt32LE(offset + 4), region.readInt32LE(offset + 8)]
    if (!keys.has(key) || !operations.has(operation)) return undefined
    cells.add(key, operation, status)
    return end
  }

  /** Checks a record of this many bytes, whose last word is its checksum. @returns its end; nothing when it is damaged */
  function checkSum(bytes: number): number | undefined {
    const end = offset + bytes
    if (end > region.length) return undefined
    return crc32(region.subarray(offset, end - 4)) === region.readUInt32LE(end - 4) ? end : undefined
  }

  function readText(length: number): number | undefined {
    const end = offset + RECORD_HEADER_BYTES + length
    const text = region.subarray(offset + RECORD_HEADER_BYTES, end)
    // The zeros of a lost page look like an empty record with a correct checksum.
    if (length === 0 || end > region.length || crc32(text) !== region.readUInt32LE(offset + 4))
      return undefined
    const fields: unknown = JSON.parse(text.toString())
    addName(fields as NumberedKey | NumberedOperation)
    return end
  }

  function addName(fields: NumberedKey | NumberedOperation): void {
    if (fields.length === 6) {
      const [number, id, label, name, owner, sequence] = fields
      writeKeyNames(names, number, { id, label, name, owner }, sequence)
    } else operations.set(fields[0], { method: fields[1], endpoint: fields[2] })
  }
}

type NumberedKey = [
  number: number,
  id: string,
  label: string,
  name: string | null,
  owner: string | null,
  sequence: number,
]
type NumberedOperation = [number: number, method: string, endpoint: string]
