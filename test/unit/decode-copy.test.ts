import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeCopy } from '../../src/store/database/postgresql/decode-copy.ts'

const HEADER = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex')
const TYPES = ['uuid', 'timestamptz', 'integer', 'integer', 'text', 'integer[]'] as const
type Row = [string, number, number, number, string | null, number[] | null]

/** A row as PostgreSQL writes it. */
function encodeRow([uuid, time, small, large, text, numbers]: Row): Buffer {
  const fields = [
    Buffer.from(uuid.replaceAll('-', ''), 'hex'),
    encodeBigint((time - Date.UTC(2000, 0, 1)) * 1000),
    encodeSmallint(small),
    encodeBigint(large),
    text === null ? null : Buffer.from(text),
    numbers && encodeArray(numbers),
  ]
  const count = encodeSmallint(fields.length)
  return Buffer.concat(
    [count, ...fields.flatMap((field) => [encodeInt(field?.length ?? -1), field ?? ''])].map(toBuffer),
  )
}

const toBuffer = (part: Buffer | string) => Buffer.from(part)

function encodeSmallint(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function encodeInt(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function encodeBigint(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

const INT8_OID = 20

/** One dimension from 1 on, or none for an empty array. */
function encodeArray(numbers: readonly number[]): Buffer {
  if (numbers.length === 0) return Buffer.concat([0, 0, INT8_OID].map(encodeInt))
  const head = [1, 0, INT8_OID, numbers.length, 1].map(encodeInt)
  return Buffer.concat([...head, ...numbers.flatMap((value) => [encodeInt(8), encodeBigint(value)])])
}

const rows: fc.Arbitrary<Row[]> = fc.array(
  fc.tuple(
    fc.constantFrom('00000001-0000-4000-8000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2090, 0, 1) }),
    fc.integer({ min: -32_768, max: 32_767 }),
    fc.maxSafeInteger(),
    fc.option(fc.string({ unit: 'binary' }).map((text) => text.toWellFormed())),
    fc.option(fc.array(fc.maxSafeNat(), { maxLength: 5 })),
  ),
  { maxLength: 30 },
)

test('gives every row by column, in whatever pieces the bytes come', async () => {
  await fc.assert(
    fc.asyncProperty(
      rows,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 10 }),
      async (rows, piece, page) => {
        const bytes = Buffer.concat([HEADER, ...rows.map(encodeRow), encodeSmallint(-1)])
        const found: unknown[][] = []
        for await (const columns of decodeCopy(cut(bytes, piece), TYPES, page)) {
          expect(columns[0]!.length).toBeLessThanOrEqual(page)
          found.push(...columns[0]!.map((_, row) => columns.map((column) => column[row])))
        }
        expect(found).toEqual(rows)
      },
    ),
  )
})

test('gives nothing for a table without rows', async () => {
  expect(
    await Array.fromAsync(decodeCopy(cut(Buffer.concat([HEADER, encodeSmallint(-1)]), 7), TYPES, 10)),
  ).toEqual([])
})

async function* cut(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += length) yield bytes.subarray(start, start + length)
}
