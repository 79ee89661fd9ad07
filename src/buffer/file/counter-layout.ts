/**
 * Layout of a counter file, version 2. All words are little-endian; the header's words are float64.
 *
 * | bytes | what |
 * |---|---|
 * | 0-43 | identity: magic, version, slots, names bytes, bucket minutes, instance UUID, CRC-32 of all that is identity |
 * | 64-87 | header words: file state, bytes of names published, open area |
 * | 128-383, 384-639 | headers of the two count areas |
 * | 640 … | identity too: uint32 bytes, then the name of the database that the counts are meant for (the target) |
 * | 3456 … | identity too: uint32 bytes, then the names of the units, with commas between them |
 * | 4096 … | names region: records of keys, operations, cells and slots, see `name-records.ts` |
 * | then | two count areas: per slot float64 requests, float64 microseconds |
 *
 * A slot counts the requests of one cell whose duration falls into one bin. A slot of a unit counts the requests of a
 * cell with a quantity of this unit, and in place of microseconds their quantity.
 */
import { crc32 } from 'node:zlib'
import type { BucketMinutes } from '../../model/batch.ts'
import { decodeUuid, encodeUuid } from '../../model/uuid.ts'

export const HEADER_BYTES = 4096
export const SLOT_BYTES = 16
/** Slots of a file at most, a gigabyte: the number of a cell has 24 bits in a name record. */
export const MOST_SLOTS = 2 ** 24
/**
 * Room per slot in the names region: a slot's record takes 8 bytes and a cell's 16, which some four slots share; keys
 * and operations are few. A file that runs out is simply full.
 */
const NAME_BYTES_PER_SLOT = 32
/** The least room for names, so that a small file still takes keys with long names. */
const LEAST_NAME_BYTES = 64 * 1024

const MAGIC = 'AKACOUNT'
const VERSION = 2
const IDENTITY_BYTES = 40
const TARGET_OFFSET = 640
const UNITS_OFFSET = 3456
/** The limits for a damaged length: no text reaches into the next one. */
const MOST_TARGET_BYTES = UNITS_OFFSET - TARGET_OFFSET - 4
const MOST_UNITS_BYTES = HEADER_BYTES - UNITS_OFFSET - 4

export interface FileShape {
  readonly slots: number
  readonly namesBytes: number
}

/** What the first bytes of a file say, checked against their CRC. */
export interface FileIdentity extends FileShape {
  readonly instance: string
  readonly bucketMinutes: BucketMinutes
  /** The database that the counts are meant for, see `targetOf`. */
  readonly target: string
  /** The units of its quantities: the first has the bin `FIRST_UNIT_BIN`. */
  readonly units: readonly string[]
}

export function shapeFor(slots: number): FileShape {
  return { slots, namesBytes: Math.max(LEAST_NAME_BYTES, slots * NAME_BYTES_PER_SLOT) }
}

export function fileBytes({ slots, namesBytes }: FileShape): number {
  return HEADER_BYTES + namesBytes + 2 * slots * SLOT_BYTES
}

export function areaOffset({ slots, namesBytes }: FileShape, area: number): number {
  return HEADER_BYTES + namesBytes + area * slots * SLOT_BYTES
}

export function encodeIdentity(identity: FileIdentity): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt32LE(VERSION, 8)
  bytes.writeUInt32LE(identity.slots, 12)
  bytes.writeUInt32LE(identity.namesBytes, 16)
  bytes.writeUInt32LE(identity.bucketMinutes, 20)
  encodeUuid(identity.instance).copy(bytes, 24)
  writeText(bytes, TARGET_OFFSET, MOST_TARGET_BYTES, identity.target)
  writeText(bytes, UNITS_OFFSET, MOST_UNITS_BYTES, identity.units.join(','))
  bytes.writeUInt32LE(checksum(bytes), IDENTITY_BYTES)
  return bytes
}

/** Whether a newer version of this package made the file: that version can read it. */
export function isNewerLayout(buffer: ArrayBuffer): boolean {
  const bytes = Buffer.from(buffer)
  return (
    bytes.length >= HEADER_BYTES &&
    bytes.toString('latin1', 0, 8) === MAGIC &&
    bytes.readUInt32LE(8) > VERSION
  )
}

/** @returns the identity, or a sentence about what is wrong with these bytes */
export function decodeIdentity(buffer: ArrayBuffer): FileIdentity | string {
  const bytes = Buffer.from(buffer)
  if (bytes.length < HEADER_BYTES)
    return `it has ${bytes.length} bytes, less than its header of ${HEADER_BYTES}`
  if (bytes.toString('latin1', 0, 8) !== MAGIC) return 'it does not begin like a counter file'
  const version = bytes.readUInt32LE(8)
  if (version !== VERSION) return `its format is version ${version}, not ${VERSION}`
  if (checksum(bytes) !== bytes.readUInt32LE(IDENTITY_BYTES)) {
    return 'its header does not match its checksum'
  }
  const units = readText(bytes, UNITS_OFFSET, MOST_UNITS_BYTES).toString().split(',')
  return {
    slots: bytes.readUInt32LE(12),
    namesBytes: bytes.readUInt32LE(16),
    bucketMinutes: bytes.readUInt32LE(20) as BucketMinutes,
    instance: decodeUuid(bytes.subarray(24, 40)),
    target: readText(bytes, TARGET_OFFSET, MOST_TARGET_BYTES).toString(),
    units: units[0] === '' ? [] : units,
  }
}

function checksum(bytes: Buffer): number {
  const target = crc32(
    readText(bytes, TARGET_OFFSET, MOST_TARGET_BYTES),
    crc32(bytes.subarray(0, IDENTITY_BYTES)),
  )
  return crc32(readText(bytes, UNITS_OFFSET, MOST_UNITS_BYTES), target)
}

function writeText(bytes: Buffer, offset: number, most: number, text: string): void {
  bytes.writeUInt32LE(bytes.write(text, offset + 4, most), offset)
}

function readText(bytes: Buffer, offset: number, most: number): Buffer {
  const length = Math.min(bytes.readUInt32LE(offset), most)
  return bytes.subarray(offset + 4, offset + 4 + length)
}
