import { binOf, UNMEASURED_BIN } from '../duration-bins.ts'
import { JOURNAL_ENTRIES } from './counter-layout.ts'
import type { Journal } from './journal.ts'
import type { DecodedNames } from './name-records.ts'

const MISMATCH = 'its journal does not match its counts'

/**
 * Adds to the counts in a file's copy what its process had noted in the journal and not settled when it was killed.
 * Done again after another kill it does the same: the file itself stays as it is.
 * @param counts of the open area: per slot requests, microseconds
 * @returns what is wrong with the journal, if anything is: nothing of it is added then
 */
export function settleCopy(journal: Journal, counts: Float64Array, names: DecodedNames): string | undefined {
  const settled = sumEverySecond(counts, 0)
  const { counted } = journal
  // more than it was told: the file was nearly full, and its requests went around the journal
  if (counted <= settled) return undefined
  if (!(counted - settled <= JOURNAL_ENTRIES)) return MISMATCH
  const first = journal.entryAt(settled)
  const timedUs = sumEverySecond(counts, 1) - journal.usBeforeAt(first)
  const firstUs = Math.max(0, journal.durationUsAt(first))
  if (timedUs !== 0 && timedUs !== firstUs) return MISMATCH
  const requests = Array.from({ length: counted - settled }, (_, index) => journal.entryAt(settled + index))
  if (!requests.every((entry) => isNamed(entry))) return MISMATCH
  for (const entry of requests) addRequest(entry)
  // killed between the two stores that settle a request: its time was there already
  counts[findSlot(first) * 2 + 1]! -= timedUs
  return undefined

  function isNamed(entry: number): boolean {
    return names.keys.has(journal.keyAt(entry)) && names.operations.has(journal.operationAt(entry))
  }

  function addRequest(entry: number): void {
    const slot = findSlot(entry)
    counts[slot * 2 + 1]! += Math.max(0, journal.durationUsAt(entry))
    counts[slot * 2]! += 1
  }

  function findSlot(entry: number): number {
    const durationUs = journal.durationUsAt(entry)
    const bin = durationUs < 0 ? UNMEASURED_BIN : binOf(durationUs)
    const cell = findCell(journal.keyAt(entry), journal.operationAt(entry), journal.statusAt(entry))
    const slot = names.slots.find(cell, bin)
    return slot >= 0 ? slot : names.slots.add(cell, bin)
  }

  function findCell(key: number, operation: number, status: number): number {
    const { cells, cellNumbers } = names
    const place = cellNumbers.find(key, operation, status)
    if (place >= 0) return cellNumbers.cellAt(place)
    const { method, endpoint } = names.operations.get(operation)!
    const cell = cells.push({ key: names.keys.get(key)!, method, endpoint, status }) - 1
    cellNumbers.add(key, operation, status, cell)
    return cell
  }
}

/** Sums the requests, or the microseconds, of all slots. */
function sumEverySecond(counts: Float64Array, first: 0 | 1): number {
  let sum = 0
  for (let index = first; index < counts.length; index += 2) sum += counts[index]!
  return sum
}
