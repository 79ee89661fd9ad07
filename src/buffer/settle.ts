import type { CellIndex } from './cell-index.ts'
import type { CounterFile } from './counter-file.ts'
import { JOURNAL_ENTRIES } from './counter-layout.ts'
import type { Journal } from './journal.ts'

/** Of each entry: first where its cell may lie, then its slot. */
const found = new Int32Array(JOURNAL_ENTRIES)

/** Takes what was read for nothing, or the compiler would leave the reading out. */
const keptFromCompiler = new Float64Array(2)

/**
 * Adds the requests that a journal holds to their slots, oldest first. What lies scattered in memory is asked for in
 * loops that do nothing else, so that the processor waits for many answers at a time.
 */
export function settle(journal: Journal, index: CellIndex, file: CounterFile): void {
  const { pending } = journal
  const { names, openCounts } = file
  for (let n = 0; n < pending; n += 1) {
    const entry = journal.pendingEntry(n)
    found[n] = index.firstPlace(journal.keyAt(entry), journal.operationAt(entry), journal.statusAt(entry))
  }
  keptFromCompiler[0] = index.prefetch(found, pending)
  for (let n = 0; n < pending; n += 1) {
    const entry = journal.pendingEntry(n)
    const key = journal.keyAt(entry)
    const operation = journal.operationAt(entry)
    const status = journal.statusAt(entry)
    found[n] = index.findSlot(key, operation, status, journal.durationUsAt(entry), names)
  }
  keptFromCompiler[1] = openCounts.prefetch(found, pending)
  for (let n = 0; n < pending; n += 1)
    openCounts.add(found[n]!, journal.durationUsAt(journal.pendingEntry(n)))
  journal.clear()
}
