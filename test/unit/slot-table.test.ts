import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SlotTable } from '../../src/buffer/cells/slot-table.ts'
import { BIN_COUNT } from '../../src/model/duration-bins.ts'
import { searchRuns } from '../support/search-runs.ts'

test('every slot is found under its cell and bin, whatever came in which order', () => {
  const pairs = fc.array(fc.tuple(fc.nat(200), fc.nat(BIN_COUNT - 1)), { maxLength: 2000 })
  fc.assert(
    fc.property(pairs, (pairs) => {
      const table = new SlotTable()
      const expected = new Map<number, Map<number, number>>()
      for (const [cell, bin] of pairs) {
        const slots = expected.get(cell) ?? new Map<number, number>()
        expect(table.find(cell, bin)).toBe(slots.get(bin) ?? -1)
        if (!slots.has(bin)) slots.set(bin, table.add(cell, bin))
        expected.set(cell, slots)
      }
      for (const [cell, slots] of expected) expect(readSlots(table, cell)).toEqual(sortByBin(slots))
      const numbers = [...expected.keys()].flatMap((cell) => readSlots(table, cell).map(([, slot]) => slot))
      expect(numbers.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: table.count }, (_, slot) => slot),
      )
    }),
    { numRuns: searchRuns(200) },
  )
})

test('a hundred cells may have a slot for every bin', () => {
  const table = new SlotTable()
  for (let bin = 0; bin < BIN_COUNT; bin++) for (let cell = 0; cell < 100; cell++) table.add(cell, bin)
  for (let cell = 0; cell < 100; cell++) {
    expect(readSlots(table, cell)).toEqual(
      Array.from({ length: BIN_COUNT }, (_, bin) => [bin, bin * 100 + cell]),
    )
    expect(table.find(cell, BIN_COUNT - 1)).toBe((BIN_COUNT - 1) * 100 + cell)
  }
})

test('a table that was cleared knows no slot', () => {
  const table = new SlotTable()
  for (let bin = 0; bin < BIN_COUNT; bin++) table.add(7, bin)
  table.clear()
  expect([table.count, table.find(7, 3), readSlots(table, 7)]).toEqual([0, -1, []])
  expect([table.add(9, 3), table.find(9, 3)]).toEqual([0, 0])
})

function readSlots(table: SlotTable, cell: number): [bin: number, slot: number][] {
  const pairs = [1, 2, 3]
  table.read(cell, pairs)
  return Array.from({ length: pairs.length / 2 }, (_, index) => [pairs[index * 2]!, pairs[index * 2 + 1]!])
}

const sortByBin = (slots: Map<number, number>) => [...slots].toSorted(([a], [b]) => a - b)
