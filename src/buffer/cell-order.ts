import { compareCells, type CellName } from './name-records.ts'
import { sortInSlices } from './sort-in-slices.ts'

/** The numbers of a file's cells in the order of their rows; each is sorted in once. */
export class CellOrder {
  #sorted: readonly number[] = []

  /** `cells` are those of the time before, and what was added since. */
  async sort(cells: readonly CellName[]): Promise<readonly number[]> {
    const known = this.#sorted.length
    if (known < cells.length) {
      const added = Array.from({ length: cells.length - known }, (_, index) => known + index)
      const compare = (a: number, b: number) => compareCells(cells[a]!, cells[b]!)
      this.#sorted = await sortInSlices([...this.#sorted, ...added], compare, known)
    }
    return this.#sorted
  }
}
