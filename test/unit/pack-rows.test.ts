import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packRows, unpackRows } from '../../src/store/thread/pack-rows.ts'

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('GET', '/a', '/b'))
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const row = fc.record({
  keyId: text,
  endpoint: text,
  method: text,
  status: fc.integer({ min: 100, max: 599 }),
  requestCount: count,
  durationUs: count,
  durationBins: fc.array(fc.tuple(fc.nat({ max: 75 }), count), { maxLength: 5 }).map((pairs) => pairs.flat()),
})

test('rows are the same after they were packed, cloned and unpacked', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
      const packed = packRows(rows)
      const transfer = [packed.numbers.buffer]
      expect(unpackRows(structuredClone(packed, { transfer }))).toEqual(rows)
    }),
  )
})
