import type { Operation } from '../usage.ts'
import type { FileNames } from './name-records.ts'
import { createPause } from './pause.ts'
import { sortInSlices } from './sort-in-slices.ts'

/** Above every status. */
const STATUSES = 1000

/** The numbers of a file's cells in the order of their rows: key, endpoint, method, status. Each is sorted in once. */
export class CellOrder {
  #sorted: readonly number[] = []

  /** `names` are those of the time before, and what was added since. */
  async sort(names: FileNames): Promise<readonly number[]> {
    const known = this.#sorted.length
    const { length } = names.cells
    if (known < length) {
      const places = await placeCells(names, length)
      const added = Array.from({ length: length - known }, (_, index) => known + index)
      const compare = (a: number, b: number) => places[a]! - places[b]!
      this.#sorted = await sortInSlices([...this.#sorted, ...added], compare, known)
    }
    return this.#sorted
  }
}

/**
 * One number for each of the first `length` cells, in the order of their rows: keys and operations are few and are
 * compared by name, cells are many.
 */
async function placeCells({ keys, operations, cells }: FileNames, length: number): Promise<Float64Array> {
  const keyRanks = await rank(keys, (a, b) => compareTexts(a.id, b.id))
  const operationRanks = await rank(operations, compareOperations)
  const pause = createPause()
  const places = new Float64Array(length)
  for (let cell = 0; cell < length; cell += 1) {
    const key = keyRanks.get(cells.keyAt(cell))!
    const operation = operationRanks.get(cells.operationAt(cell))!
    places[cell] = (key * operationRanks.size + operation) * STATUSES + cells.statusAt(cell)
    const paused = pause()
    if (paused) await paused
  }
  return places
}

/** The rank of each number by what it stands for; the same for the same. */
async function rank<Named>(
  named: ReadonlyMap<number, Named>,
  compare: (a: Named, b: Named) => number,
): Promise<Map<number, number>> {
  const sorted = await sortInSlices([...named], ([, a], [, b]) => compare(a, b))
  const ranks = new Map<number, number>()
  let last = 0
  for (const [index, [number, value]] of sorted.entries()) {
    if (index > 0 && compare(sorted[index - 1]![1], value) !== 0) last += 1
    ranks.set(number, last)
  }
  return ranks
}

function compareOperations(a: Operation, b: Operation): number {
  return compareTexts(a.endpoint, b.endpoint) || compareTexts(a.method, b.method)
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
