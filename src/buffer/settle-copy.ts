import { binOf, UNMEASURED_US } from '../duration-bins.ts'
import { CellTable, NO_CELL } from './cell-table.ts'
import type { CountArea } from './count-area.ts'
import { isCount } from './counter-header.ts'
import { JOURNAL_ENTRIES } from './counter-layout.ts'
import type { Journal } from './journal.ts'
import type { FileNames } from './name-records.ts'

const MISMATCH = 'its journal does not match its counts'

/**
 * Adds to the counts in a file's undamaged copy what its process had noted in the journal and not settled when it was
 * killed. Done again after another kill it does the same: the file itself stays as it is. How many endpoints of a key
 * the bucket had admitted is not known here, so that a kill may leave a few rows past that limit.
 * @param open the open area
 * @returns what is wrong with the journal, if anything is: nothing of it is added then
 */
export function settleCopy(journal: Journal, open: CountArea, names: FileNames): string | undefined {
  const { counted, settledBefore } = journal
  const { counts } = open
  const used = names.slots.count
  const settled = open.sumRequests(used)
  if (![counted, settledBefore, settled].every(isCount)) return MISMATCH
  // never used (mode `written`, older versions), or not any more, because the file was nearly full
  if (counted <= settled) return undefined
  if (settled < settledBefore || counted > settledBefore + JOURNAL_ENTRIES) return MISMATCH
  const entries = Array.from({ length: counted - settled }, (_, number) => journal.entryAt(settled + number))
  if (!entries.every((entry, number) => isSound(entry, settled + number))) return MISMATCH
  const cells = findCells(entries)
  if (!fits(entries)) return MISMATCH
  const [first] = entries as [number]
  const timedUs = sumTimed(first)
  if (timedUs !== 0 && timedUs !== Math.max(0, journal.durationUsAt(first))) return MISMATCH
  for (const entry of entries) addRequest(entry)
  counts[findSlot(first) * 2 + 1]! -= timedUs
  return undefined

  function isSound(entry: number, request: number): boolean {
    const [status, durationUs] = [journal.statusAt(entry), journal.durationUsAt(entry)]
    const isNamed = names.keys.has(journal.keyAt(entry)) && names.operations.has(journal.operationAt(entry))
    const isPossible = status >= 100 && status <= 599 && (durationUs === UNMEASURED_US || isCount(durationUs))
    return journal.isEntryOf(request, entry) && isNamed && isPossible
  }

  /** The time of a request that was killed between the two stores that settle it: it is in the counts already. */
  function sumTimed(entry: number): number {
    const sum = open.sumUs(used)
    // beyond whole numbers nothing can be told, and nothing depends on it any more
    return Number.isSafeInteger(sum) ? sum - journal.usBeforeAt(entry) : 0
  }

  /** Not by `add`, which would write it to the file. */
  function addRequest(entry: number): void {
    const slot = findSlot(entry)
    counts[slot * 2 + 1]! += Math.max(0, journal.durationUsAt(entry))
    counts[slot * 2]! += 1
  }

  /** Whether there is a slot for every entry, as there is where nothing is damaged. */
  function fits(entries: readonly number[]): boolean {
    const missing = entries.filter((entry) => findKnownSlot(entry) < 0)
    const slots = new Set(missing.map((entry) => JSON.stringify(slotName(entry))))
    return names.slots.count + slots.size <= counts.length / 2
  }

  function findSlot(entry: number): number {
    const known = findKnownSlot(entry)
    if (known >= 0) return known
    const [key, operation, status, bin] = slotName(entry)
    const place = cells.find(key, operation, status)
    const cell = place < 0 ? addCell(key, operation, status) : cells.cellAt(place)
    return names.slots.add(cell, bin)
  }

  /** @returns -1 where there is none yet */
  function findKnownSlot(entry: number): number {
    const [key, operation, status, bin] = slotName(entry)
    const place = cells.find(key, operation, status)
    return place < 0 ? -1 : names.slots.find(cells.cellAt(place), bin)
  }

  function slotName(entry: number): [key: number, operation: number, status: number, bin: number] {
    const bin = binOf(journal.durationUsAt(entry))
    return [journal.keyAt(entry), journal.operationAt(entry), journal.statusAt(entry), bin]
  }

  function addCell(key: number, operation: number, status: number): number {
    const cell = names.cells.add(key, operation, status)
    cells.add(key, operation, status, cell)
    return cell
  }

  /** Those of the file's cells that entries count in. */
  function findCells(entries: readonly number[]): CellTable {
    const wanted = new CellTable(0)
    for (const entry of entries) {
      const [key, operation, status] = slotName(entry)
      if (wanted.find(key, operation, status) < 0) wanted.add(key, operation, status, NO_CELL)
    }
    const found = new CellTable(0)
    const { length } = names.cells
    for (let cell = 0; cell < length; cell += 1) {
      const key = names.cells.keyAt(cell)
      const operation = names.cells.operationAt(cell)
      const status = names.cells.statusAt(cell)
      if (wanted.find(key, operation, status) >= 0) found.add(key, operation, status, cell)
    }
    return found
  }
}
