/**
 * The records of the names region. Keys and cells: u32 length, u32 CRC-32 of the text, JSON text; slots: u32
 * 2^31 + cell x 128 + bin, u32 CRC-32 of it. Keys, cells and slots are numbered by the position of their record.
 */
import { crc32 } from 'node:zlib'
import { BIN_COUNT, UNMEASURED_BIN } from '../duration-bins.ts'
import type { KeyIdentity } from '../usage.ts'
import { createPause } from './pause.ts'
import { SlotTable } from './slot-table.ts'

/** The requests of one key to one operation with one status. */
export interface CellName {
  readonly key: KeyIdentity
  readonly method: string
  readonly endpoint: string
  readonly status: number
}

/** Orders cells as the rows of the usage table: key, endpoint, method, status. */
export function compareCells(a: CellName, b: CellName): number {
  return (
    compareText(a.key.id, b.key.id) ||
    compareText(a.endpoint, b.endpoint) ||
    compareText(a.method, b.method) ||
    a.status - b.status
  )
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const RECORD_HEADER_BYTES = 8
/** Tells the first word of a slot's record from a length. */
const SLOT_MARK = 2 ** 31
/** A power of two above the last bin; it leaves numbers for 16 million cells, which no heap has room for. */
const BINS_PER_CELL = 128

function encodeRecord(value: readonly unknown[]): Buffer {
  const text = JSON.stringify(value)
  const length = Buffer.byteLength(text)
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + length)
  record.write(text, RECORD_HEADER_BYTES)
  record.writeUInt32LE(length, 0)
  record.writeUInt32LE(crc32(record.subarray(RECORD_HEADER_BYTES)), 4)
  return record
}

export const keyRecord = (key: KeyIdentity): Buffer => encodeRecord([key.id, key.label, key.name, key.owner])

/** `keyNumber`: how many key records came before the one of this cell's key. */
export const cellRecord = (keyNumber: number, { method, endpoint, status }: CellName): Buffer =>
  encodeRecord([keyNumber, method, endpoint, status])

/** `cell`: how many cell records came before its own. */
export function slotRecord(cell: number, bin: number): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES)
  record.writeUInt32LE(SLOT_MARK + cell * BINS_PER_CELL + bin, 0)
  record.writeUInt32LE(crc32(record.subarray(0, 4)), 4)
  return record
}

export interface DecodedNames {
  /** By number. */
  readonly cells: CellName[]
  readonly slots: SlotTable
  /** What stopped the reading early, if anything did. */
  readonly problem: string | undefined
}

/** Reads the published records; stops at the first damaged one, because all are numbered by position. */
export async function decodeNames(region: Buffer, version: 1 | 2): Promise<DecodedNames> {
  const pause = createPause()
  const keys: KeyIdentity[] = []
  const cells: CellName[] = []
  const slots = new SlotTable()
  let offset = 0
  while (offset < region.length) {
    const end = version === 2 && isSlot(region, offset) ? addSlot() : addText()
    if (end === undefined) return { cells, slots, problem: `its name record at byte ${offset} is damaged` }
    offset = end
    const paused = pause()
    if (paused) await paused
  }
  return { cells, slots, problem: undefined }

  /** @returns where the record ends, or nothing when it is damaged */
  function addSlot(): number | undefined {
    const number = region.readUInt32LE(offset) - SLOT_MARK
    const cell = Math.floor(number / BINS_PER_CELL)
    const bin = number % BINS_PER_CELL
    const matches = crc32(region.subarray(offset, offset + 4)) === region.readUInt32LE(offset + 4)
    if (!matches || cell >= cells.length || bin >= BIN_COUNT) return undefined
    slots.add(cell, bin)
    return offset + RECORD_HEADER_BYTES
  }

  function addText(): number | undefined {
    const length = offset + RECORD_HEADER_BYTES <= region.length ? region.readUInt32LE(offset) : Infinity
    const end = offset + RECORD_HEADER_BYTES + length
    const text = region.subarray(offset + RECORD_HEADER_BYTES, end)
    // Zeros where a page was lost look like an empty record that matches its checksum.
    if (length === 0 || end > region.length || crc32(text) !== region.readUInt32LE(offset + 4))
      return undefined
    const isCell = addRecord(JSON.parse(text.toString()) as KeyFields | CellFields, keys, cells)
    // Version 1 had one slot per cell, and did not say how long its requests took but in sum.
    if (isCell && version === 1) slots.add(cells.length - 1, UNMEASURED_BIN)
    return end
  }
}

function isSlot(region: Buffer, offset: number): boolean {
  return offset + RECORD_HEADER_BYTES <= region.length && region.readUInt32LE(offset) >= SLOT_MARK
}

type KeyFields = [id: string, label: string, name: string | null, owner: string | null]
type CellFields = [keyNumber: number, method: string, endpoint: string, status: number]

/** @returns whether it was a cell */
function addRecord(fields: KeyFields | CellFields, keys: KeyIdentity[], cells: CellName[]): boolean {
  if (typeof fields[0] === 'string') {
    const [id, label, name, owner] = fields as KeyFields
    keys.push({ id, label, name, owner })
    return false
  }
  const [keyNumber, method, endpoint, status] = fields as CellFields
  cells.push({ key: keys[keyNumber]!, method, endpoint, status })
  return true
}
