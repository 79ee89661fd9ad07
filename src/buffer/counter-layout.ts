/**
 * Layout of a counter file, version 1. All words are little-endian; the header's words are float64.
 *
 * | bytes | what |
 * |---|---|
 * | 0-43 | identity: magic, version, slots, names bytes, bucket minutes, instance UUID, CRC-32 of these |
 * | 64-87 | header words: file state, bytes of names published, open area |
 * | 128-191, 256-319 | headers of the two count areas |
 * | 4096 … | names region: records of u32 length, u32 CRC-32, JSON |
 * | then | two count areas: per slot float64 requests, float64 microseconds |
 */
import { crc32 } from 'node:zlib'
import type { BucketMinutes } from '../usage.ts'

export const HEADER_BYTES = 4096
export const SLOT_BYTES = 16
/** Room per slot in the names region: typical records take 50 to 90 bytes. A file that runs out is simply full. */
const NAME_BYTES_PER_SLOT = 96
/** The least room for names, so that a small file still takes keys with long names. */
const LEAST_NAME_BYTES = 64 * 1024

/** Word numbers in the file header. */
export const WORD = { fileState: 8, namesPublished: 9, openArea: 10 } as const
/** `free`: nothing in this file counts, it may be zeroed and used again. */
export const FILE_STATE = { free: 0, inUse: 1 } as const
/** Word number at which the header of area 0 or 1 begins. */
export const AREA_WORD = [16, 32] as const
/** Word numbers within an area header; the database id takes two words. */
export const AREA = {
  state: 0,
  sequence: 1,
  bucket: 2,
  countedBefore: 3,
  sealedAt: 4,
  stamped: 5,
  databaseId: 6,
} as const
/** `empty`: never used or delivered; `counting`: holds a batch, which is sealed unless this is the open area. */
export const AREA_STATE = { empty: 0, counting: 1 } as const

const MAGIC = 'AKACOUNT'
const VERSION = 1
const IDENTITY_BYTES = 40

export interface FileShape {
  readonly slots: number
  readonly namesBytes: number
}

/** What the first bytes of a file say, checked against their CRC. */
export interface FileIdentity extends FileShape {
  readonly instance: string
  readonly bucketMinutes: BucketMinutes
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
  const bytes = Buffer.alloc(IDENTITY_BYTES + 4)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt32LE(VERSION, 8)
  bytes.writeUInt32LE(identity.slots, 12)
  bytes.writeUInt32LE(identity.namesBytes, 16)
  bytes.writeUInt32LE(identity.bucketMinutes, 20)
  encodeUuid(identity.instance).copy(bytes, 24)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, IDENTITY_BYTES)), IDENTITY_BYTES)
  return bytes
}

/** @returns the identity, or a sentence that says what is wrong with these bytes */
export function decodeIdentity(buffer: ArrayBuffer): FileIdentity | string {
  const bytes = Buffer.from(buffer)
  if (bytes.length < HEADER_BYTES)
    return `it has ${bytes.length} bytes, less than its header of ${HEADER_BYTES}`
  if (bytes.toString('latin1', 0, 8) !== MAGIC) return 'it does not begin like a counter file'
  if (bytes.readUInt32LE(8) !== VERSION)
    return `its format is version ${bytes.readUInt32LE(8)}, not ${VERSION}`
  if (crc32(bytes.subarray(0, IDENTITY_BYTES)) !== bytes.readUInt32LE(IDENTITY_BYTES)) {
    return 'its header does not match its checksum'
  }
  return {
    slots: bytes.readUInt32LE(12),
    namesBytes: bytes.readUInt32LE(16),
    bucketMinutes: bytes.readUInt32LE(20) as BucketMinutes,
    instance: decodeUuid(bytes.subarray(24, 40)),
  }
}

export function encodeUuid(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex')
}

export function decodeUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
