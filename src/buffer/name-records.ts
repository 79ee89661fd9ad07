import { crc32 } from 'node:zlib'
import type { KeyIdentity } from '../usage.ts'
import { createPause } from './pause.ts'

/** What one slot counts. */
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

/** One record of the names region: u32 length, u32 CRC-32 of the text, JSON text. */
export function encodeRecord(value: readonly unknown[]): Buffer {
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

export interface DecodedNames {
  /** By slot. */
  readonly cells: CellName[]
  /** What stopped the reading early, if anything did. */
  readonly problem: string | undefined
}

/** Reads the published records; stops at the first damaged one, because slots are numbered by position. */
export async function decodeNames(region: Buffer): Promise<DecodedNames> {
  const pause = createPause()
  const keys: KeyIdentity[] = []
  const cells: CellName[] = []
  let offset = 0
  while (offset < region.length) {
    const length = offset + RECORD_HEADER_BYTES <= region.length ? region.readUInt32LE(offset) : Infinity
    const end = offset + RECORD_HEADER_BYTES + length
    const text = region.subarray(offset + RECORD_HEADER_BYTES, end)
    // Zeros where a page was lost look like an empty record that matches its checksum.
    if (length === 0 || end > region.length || crc32(text) !== region.readUInt32LE(offset + 4)) {
      return { cells, problem: `its name record at byte ${offset} is damaged` }
    }
    addRecord(JSON.parse(text.toString()) as KeyFields | CellFields, keys, cells)
    offset = end
    const paused = pause()
    if (paused) await paused
  }
  return { cells, problem: undefined }
}

type KeyFields = [id: string, label: string, name: string | null, owner: string | null]
type CellFields = [keyNumber: number, method: string, endpoint: string, status: number]

function addRecord(fields: KeyFields | CellFields, keys: KeyIdentity[], cells: CellName[]): void {
  if (typeof fields[0] === 'string') {
    const [id, label, name, owner] = fields as KeyFields
    keys.push({ id, label, name, owner })
  } else {
    const [keyNumber, method, endpoint, status] = fields as CellFields
    cells.push({ key: keys[keyNumber]!, method, endpoint, status })
  }
}
