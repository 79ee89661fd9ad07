import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CellOrder } from '../../src/buffer/cells/cell-order.ts'
import { noNames, type FileNames } from '../../src/buffer/file/name-records.ts'
import { identify } from '../support/usage/counting-process.ts'

const KEYS = ['a', 'b', 'c'].map(identify)
const OPERATIONS = ['GET', 'POST'].flatMap((method) =>
  ['/', '/é', '/z', '/Z/:id'].map((endpoint) => ({ method, endpoint })),
)
const STATUSES = [100, 200, 404, 599]

/** Which of the keys, operations and statuses above. */
const anyCell = fc.tuple(fc.nat(KEYS.length - 1), fc.nat(OPERATIONS.length - 1), fc.nat(STATUSES.length - 1))

/** As all flushers order it: text by text. */
function describeCell({ keys, operations, cells }: FileNames, cell: number): string[] {
  const { endpoint, method } = operations.get(cells.operationAt(cell))!
  return [keys.get(cells.keyAt(cell))!.id, endpoint, method, String(cells.statusAt(cell))]
}

function compare(a: readonly string[], b: readonly string[]): number {
  const index = a.findIndex((text, place) => text !== b[place])
  return index < 0 ? 0 : a[index]! < b[index]! ? -1 : 1
}

function addCells(names: FileNames, added: readonly (readonly number[])[], haveOwnOperations: boolean): void {
  for (const [key, operation, status] of added) {
    // cells of older files have an operation of their own, which may have the name of another one
    const number = haveOwnOperations ? names.cells.length : -operation!
    names.keys.set(-key!, KEYS[key!]!)
    names.operations.set(number, OPERATIONS[operation!]!)
    names.cells.add(-key!, number, STATUSES[status!]!)
  }
}

describe('the order of the rows of a counter file', () => {
  test('is by key, endpoint, method and status, whenever cells were added', async () => {
    const anyRounds = fc.array(fc.array(anyCell, { maxLength: 200 }), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(anyRounds, anyRounds, fc.boolean(), async (before, during, haveOwnOperations) => {
        const names = noNames([])
        const order = new CellOrder()
        for (const [round, added] of before.entries()) {
          addCells(names, added, haveOwnOperations)
          const { length } = names.cells
          const sorting = order.sort(names)
          addCells(names, during[round] ?? [], haveOwnOperations)
          const sorted = await sorting
          expect(sorted.toSorted((a, b) => a - b)).toEqual(Array.from({ length }, (_, cell) => cell))
          const rows = sorted.map((cell) => describeCell(names, cell))
          expect(rows).toEqual(rows.toSorted(compare))
        }
      }),
    )
  })
})
