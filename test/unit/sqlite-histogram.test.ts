import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BIN_COUNT, renderBins, toSparseBins } from '../../src/model/duration-bins.ts'
import { mergeBins } from '../support/usage/merge-bins.ts'
import { addHistogramFunctions } from '../../src/store/database/sqlite/sqlite-histogram.ts'

const file = new Database(':memory:')
addHistogramFunctions(file)
const ask = (sql: string, ...values: unknown[]): unknown => file.prepare(`select ${sql}`).pluck().get(values)

const histogram = fc
  .uniqueArray(fc.nat({ max: BIN_COUNT - 1 }), { minLength: 1, maxLength: 10 })
  .chain((bins) =>
    fc.tuple(
      ...bins
        .toSorted((a, b) => a - b)
        .map((bin) => fc.tuple(fc.constant(bin), fc.integer({ min: 1, max: 2 ** 45 }))),
    ),
  )
  .map((pairs) => pairs.flat())

test('two histograms as stored are merged bin by bin, whichever begins first and however far apart they are', () => {
  fc.assert(
    fc.property(histogram, histogram, (a, b) => {
      const first = Math.min(a[0]!, b[0]!)
      const merged = ask('merge_bins(?, ?, ?, ?)', a[0], renderBins(a), b[0], renderBins(b)) as string
      expect(toSparseBins(JSON.parse(merged) as number[], first)).toEqual(mergeBins([a, b]))
      expect(merged).toBe(JSON.stringify(JSON.parse(merged)))
    }),
  )
})

test('a histogram that somebody wrote with spaces is read all the same', () => {
  expect(ask('merge_bins(3, ?, 2, ?)', '[1, 20 ,300]', '[]')).toBe('[0,1,20,300]')
  expect(ask("trim_bins('[0, 0, 5, 0]')")).toBe('[5]')
})
