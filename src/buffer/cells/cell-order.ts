import { compareTexts } from '../../model/compare-texts.ts'
import type { KeyIdentity } from '../../model/key.ts'
import type { Operation } from '../../model/operation.ts'
import type { FileNames } from '../file/name-records.ts'
import { sortInSlices } from './sort-in-slices.ts'

/**
 * The numbers of a file's cells in the order of their rows: key, endpoint, method, status. Each number is sorted in
 * once.
 */
export class CellOrder {
  #sorted: readonly number[] = []

  /** `names` contains the names of the call before, and those added since. */
  async sort({ keys, operations, cells }: FileNames): Promise<readonly number[]> {
    const known = this.#sorted.length
    if (known < cells.length) {
      const added = Array.from({ length: cells.length - known }, (_, index) => known + index)
      const compare = (a: number, b: number) =>
        compareNamed(keys, cells.keyAt(a), cells.keyAt(b), compareKeys) ||
        compareNamed(operations, cells.operationAt(a), cells.operationAt(b), compareOperations) ||
        cells.statusAt(a) - cells.statusAt(b)
      this.#sorted = await sortInSlices([...this.#sorted, ...added], compare, known)
    }
    return this.#sorted
  }
}

/** Compares the names behind two numbers; looks them up only when the numbers differ. */
function compareNamed<Value>(
  named: ReadonlyMap<number, Value>,
  a: number,
  b: number,
  compare: (a: Value, b: Value) => number,
): number {
  return a === b ? 0 : compare(named.get(a)!, named.get(b)!)
}

function compareKeys(a: KeyIdentity, b: KeyIdentity): number {
  return compareTexts(a.id, b.id)
}

function compareOperations(a: Operation, b: Operation): number {
  return compareTexts(a.endpoint, b.endpoint) || compareTexts(a.method, b.method)
}
