/**
 * Layout of a counter file, version 1. All words are little-endian; the header's words are float64.
 *
 * | bytes | what |
 * |---|---|
 * | 0-43 | identity: magic, version, slots, names bytes, bucket minutes, instance UUID, CRC-32 of these and the target |
 * | 64-87 | header words: file state, bytes of names published, open area |
 * | 128-191, 256-319 | headers of the two count areas |
 * | 512 … | target: uint32 bytes, then the name of the database that the counts are meant for |
 * | 4096 … | names region: records of keys, operations, cells and slots, see `name-records.ts` |
 * | then | two count areas: per slot float64 requests, float64 microseconds |
 *
 * A slot counts the requests of one cell whose duration falls into one bin.
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
const VERSION = 1
const IDENTITY_BYTES = 40
const TARGET_OFFSET = 512
/** The limit for a damaged length. */
const MOST_TARGET_BYTES = 3000

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
  const target = Buffer.from(identity.target)
  const bytes = Buffer.alloc(TARGET_OFFSET + 4 + target.length)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt32LE(VERSION, 8)
  bytes.writeUInt32LE(identity.slots, 12)
  bytes.writeUInt32LE(identity.namesBytes, 16)
  bytes.writeUInt32LE(identity.bucketMinutes, 20)
  encodeUuid(identity.instance).copy(bytes, 24)
  bytes.writeUInt32LE(target.length, TARGET_OFFSET)
  target.copy(bytes, TARGET_OFFSET + 4)
  bytes.writeUInt32LE(checksum(bytes, target.length), IDENTITY_BYTES)
  return bytes
}

function checksum(bytes: Buffer, targetBytes: number): number {
  const target = bytes.subarray(TARGET_OFFSET, TARGET_OFFSET + 4 + targetBytes)
  return crc32(target, crc32(bytes.subarray(0, IDENTITY_BYTES)))
}

/** @returns the identity, or a sentence about what is wrong with these bytes */
export function decodeIdentity(buffer: ArrayBuffer): FileIdentity | string {
  const bytes = Buffer.from(buffer)
  if (bytes.length < HEADER_BYTES)
    return `it has ${bytes.length} bytes, less than its header of ${HEADER_BYTES}`
  if (bytes.toString('latin1', 0, 8) !== MAGIC) return 'it does not begin like a counter file'
  const version = bytes.readUInt32LE(8)
  if (version !== VERSION) return `its format is version ${version}, not ${VERSION}`
  const targetBytes = Math.min(bytes.readUInt32LE(TARGET_OFFSET), MOST_TARGET_BYTES)
  if (checksum(bytes, targetBytes) !== bytes.readUInt32LE(IDENTITY_BYTES)) {
    return 'its header does not match its checksum'
  }
  return {
    slots: bytes.readUInt32LE(12),
    namesBytes: bytes.readUInt32LE(16),
    bucketMinutes: bytes.readUInt32LE(20) as BucketMinutes,
    instance: decodeUuid(bytes.subarray(24, 40)),
    target: bytes.toString('utf8', TARGET_OFFSET + 4, TARGET_OFFSET + 4 + targetBytes),
  }
}
