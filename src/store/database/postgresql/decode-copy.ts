/**
 * Decodes COPY's binary format. Source: PostgreSQL's documentation of COPY, "Binary Format", and its functions
 * `uuid_send`, `timestamptz_send`, `int2send`, `int8send`, `textsend`, `array_send`.
 */
import { decodeUuid } from '../../../model/uuid.ts'

/** `integer` is 2, 4 or 8 bytes; a `timestamptz` becomes epoch milliseconds. */
export type CopyType = 'uuid' | 'timestamptz' | 'integer' | 'integer[]' | 'text'

type Decode = (bytes: Buffer, start: number, length: number) => unknown

/** Signature, flags and the length of an extension, which is always empty. */
const HEADER_BYTES = 19
/** Replaces the number of columns after the last row. */
const END = -1
/** 2000-01-01 in epoch milliseconds: PostgreSQL counts times from there. */
const EPOCH_MS = 946_684_800_000
/** Where an array's dimensions begin: after their number, the flags and the type. */
const DIMENSIONS = 12
/** The length of a dimension and its lower bound. */
const DIMENSION_BYTES = 8

/**
 * Yields rows by column, `pageRows` at a time. A null has no type.
 * @param types of the columns, in their order
 */
export async function* decodeCopy(
  chunks: AsyncIterable<Buffer>,
  types: readonly CopyType[],
  pageRows: number,
): AsyncGenerator<unknown[][], void, undefined> {
  const decoders = types.map((type) => createDecoder(type))
  let columns: unknown[][] = types.map(() => [])
  let left: Buffer | undefined
  let offset = HEADER_BYTES
  for await (const chunk of chunks) {
    const bytes = left && left.length > 0 ? Buffer.concat([left, chunk]) : chunk
    for (let end = findEnd(bytes, offset); end > 0; end = findEnd(bytes, offset)) {
      decodeRow(bytes, offset, decoders, columns)
      offset = end
      if (columns[0]!.length < pageRows) continue
      yield columns
      columns = types.map(() => [])
    }
    // the header itself may come in pieces
    left = bytes.subarray(offset)
    offset = Math.max(0, offset - bytes.length)
  }
  if (columns[0]!.length > 0) yield columns
}

/** @returns where the row at `start` ends; 0 when it is not complete yet, or when there are no more rows */
function findEnd(bytes: Buffer, start: number): number {
  if (start + 2 > bytes.length) return 0
  const count = bytes.readInt16BE(start)
  if (count === END) return 0
  let cursor = start + 2
  for (let column = 0; column < count; column++) {
    if (cursor + 4 > bytes.length) return 0
    cursor += 4 + Math.max(0, bytes.readInt32BE(cursor))
  }
  return cursor <= bytes.length ? cursor : 0
}

function decodeRow(bytes: Buffer, start: number, decoders: readonly Decode[], columns: unknown[][]): void {
  let cursor = start + 2
  for (let column = 0; column < decoders.length; column++) {
    const length = bytes.readInt32BE(cursor)
    cursor += 4
    columns[column]!.push(length < 0 ? null : decoders[column]!(bytes, cursor, length))
    cursor += Math.max(0, length)
  }
}

function createDecoder(type: CopyType): Decode {
  if (type === 'integer') return readInteger
  if (type === 'integer[]') return readIntegers
  if (type === 'timestamptz') return (bytes, start) => readInteger(bytes, start, 8) / 1000 + EPOCH_MS
  if (type === 'text') return (bytes, start, length) => bytes.toString('utf8', start, start + length)
  return createUuidDecoder()
}

/** Neighbouring rows often have the same key. */
function createUuidDecoder(): Decode {
  let uuid = ''
  const known = Buffer.alloc(16)
  return (bytes, start) => {
    if (uuid && known.equals(bytes.subarray(start, start + 16))) return uuid
    bytes.copy(known, 0, start, start + 16)
    return (uuid = decodeUuid(known))
  }
}

function readInteger(bytes: Buffer, start: number, length: number): number {
  if (length === 2) return bytes.readInt16BE(start)
  if (length === 4) return bytes.readInt32BE(start)
  // a bigint would be slower, and all counts are below 2^53
  return bytes.readInt32BE(start) * 2 ** 32 + bytes.readUInt32BE(start + 4)
}

function readIntegers(bytes: Buffer, start: number): (number | null)[] {
  const numbers: (number | null)[] = []
  let cursor = start + DIMENSIONS
  const count = bytes.readInt32BE(start) === 0 ? 0 : bytes.readInt32BE(cursor)
  cursor += DIMENSION_BYTES
  for (let index = 0; index < count; index++) {
    const length = bytes.readInt32BE(cursor)
    numbers.push(length < 0 ? null : readInteger(bytes, cursor + 4, length))
    cursor += 4 + Math.max(0, length)
  }
  return numbers
}
